/**
 * A message travels over four machines, each with an address of its own and all on port 25: two of our servers, a Postfix, and one of
 * ours again; what comes back travels too. Names come from nsd and unbound on a fifth.
 *
 *     origin ──smarthost──> relay ──MX──> postfix ──> destination
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { corpus, difference, headerOf, type Message, withoutTrace } from './corpus.ts'
import { isReportOn, read } from './hops.ts'
import { missingPrograms } from './names.ts'
import { buildNetwork, missingNetworks, type Network } from './network.ts'
import { arrives, type Postfix, startPostfix } from './postfix.ts'
import { missingRights, type Program, run, needs, succeed, until } from './program.ts'
import { PASSWORD, type Staffetta, startStaffetta } from './staffetta.ts'

const machines = {
  names: '10.77.0.53',
  origin: '10.77.0.1',
  relay: '10.77.0.2',
  postfix: '10.77.0.3',
  destination: '10.77.0.4',
}
const zones = {
  'chain.test': Object.entries(machines)
    .map(([name, address]) => `${name} A ${address}`)
    .join('\n'),
  'origin.test': '@ MX 10 origin.chain.test.',
  'destination.test': '@ MX 10 postfix.chain.test.',
}
const ANNA = 'anna@origin.test'
const ZOE = 'zoë@destination.test'
const ZACK = 'zack@destination.test'

const needed = needs(
  ['openssl', 'postfix', 'ip', 'python3'],
  [...missingPrograms(), ...missingRights(), ...(missingRights().length === 0 ? await missingNetworks() : [])],
)

test('the foreign programs are here', { skip: needed.excuse }, () => assert.deepEqual(needed.missing, []))

suite('a chain of four machines', { skip: needed.skip }, () => {
  let network: Network | undefined
  let names: Program | undefined
  let postfix: Postfix | undefined
  let ours: Record<'origin' | 'relay' | 'destination', Staffetta>
  const started: { readonly stop: () => Promise<unknown> }[] = []

  before(async () => {
    network = await buildNetwork(machines, machines.names)
    const at = (machine: keyof typeof machines) => {
      const namespace = network?.namespaces.get(machine)
      assert.ok(namespace)
      return { namespace, address: machines[machine] }
    }
    names = run({
      name: process.execPath,
      args: [
        join(import.meta.dirname, 'names-process.ts'),
        JSON.stringify({ zones, at: { address: machines.names, port: 53, clients: '10.77.0.0/24' } }),
      ],
      namespace: at('names').namespace,
    })
    started.push(names)
    const program = names
    await until(
      () => `names: ${program.output()}`,
      () => (program.output().includes('ready') ? true : undefined),
    )
    postfix = await startPostfix({
      hostname: 'postfix.chain.test',
      mailboxes: ['carla@postfix.test'],
      transports: { 'destination.test': 'smtp:[destination.chain.test]' },
      parameters: { relay_domains: 'destination.test' },
      ...at('postfix'),
    })
    started.push(postfix)
    const dns = { servers: [`${machines.names}:53`] }
    const server = async (
      machine: 'origin' | 'relay' | 'destination',
      more: object,
      mailboxes: readonly string[] = [],
    ) => {
      const [first] = mailboxes
      const running = await startStaffetta({
        hostname: `${machine}.chain.test`,
        domains: first === undefined ? [] : [first.slice(first.indexOf('@') + 1)],
        accounts: mailboxes,
        config: { dns, ...more },
        ...at(machine),
      })
      started.push(running)
      return running
    }
    ours = {
      origin: await server(
        'origin',
        { routes: [{ to: '*', relay: { host: 'relay.chain.test', port: 25, tls: 'opportunistic' } }] },
        [ANNA],
      ),
      relay: await server('relay', { relayFrom: [machines.origin], routes: [{ to: '*', mx: true }] }),
      destination: await server('destination', {}, [ZACK, ZOE]),
    }
  })

  after(async () => {
    for (const each of started.toReversed()) await each.stop()
    await network?.remove()
  })

  /** As a user of the first machine: submission with STARTTLS and login. */
  const submit = async (message: Message): Promise<void> => {
    const namespace = network?.namespaces.get('origin')
    assert.ok(namespace)
    const utf8 = message.utf8 ? 'utf8' : 'ascii'
    const args = [join(import.meta.dirname, 'client.py'), machines.origin, '587', 'starttls', ANNA, PASSWORD]
    await succeed({
      name: 'python3',
      args: [...args, message.from, message.to, utf8, 'bytes'],
      input: message.bytes,
      namespace,
    })
  }

  test('messages arrive byte for byte, and the Received fields prove the way', async () => {
    const messages = corpus({ from: ANNA, to: ZACK, international: ZOE })
    for (const message of messages) await submit(message)
    for (const message of messages) {
      const found = await arrives(ours.destination, message.to, bytes => bytes.includes(message.messageId))
      assert.equal(difference(withoutTrace(found), message.bytes), undefined, message.name)
      const trace = headerOf(found).replaceAll(/\r\n[ \t]+/g, ' ')
      const received = [...trace.matchAll(/^Received: (.*)$/gm)].map(([, field]) => field ?? '')
      assert.deepEqual(
        received.map(field => / by ([^ ]+)/.exec(field)?.[1]),
        ['destination', 'postfix', 'relay', 'origin'].map(machine => `${machine}.chain.test`),
      )
      // RFC 5321 §4.4: from whom, by name and address; RFC 3848: all over TLS, the first with login.
      for (const [index, machine] of (['postfix', 'relay', 'origin'] as const).entries()) {
        assert.match(received[index] ?? '', new RegExp(`^from ${machine}\\.chain\\.test .*${machines[machine]}`))
        assert.match(received[index] ?? '', /\bwith (?:e|utf8e?)smtps\b/i)
      }
      assert.match(received[3] ?? '', /\bwith (?:e|utf8e?)smtpsa\b/i)
    }
  })

  test('Postfix, the last but one, cannot hand on: its report travels back', async () => {
    const [message] = corpus({ from: ANNA, to: 'nobody@destination.test', international: undefined })
    assert.ok(message)
    await submit(message)
    const found = await arrives(ours.origin, ANNA, isReportOn(message.messageId))
    const report = read(found)
    assert.equal(report.reportingMta, 'postfix.chain.test')
    assert.equal(report.recipients[0]?.final.address, 'nobody@destination.test')
    assert.equal(report.recipients[0]?.action, 'failed')
    assert.equal(report.recipients[0]?.status, '5.1.1')
    assert.equal(report.recipients[0]?.remoteMta, 'destination.chain.test')
  })

  test('our second server cannot hand on: its report travels back', async () => {
    const [message] = corpus({ from: ANNA, to: 'someone@missing.test', international: undefined })
    assert.ok(message)
    await submit(message)
    const report = read(await arrives(ours.origin, ANNA, isReportOn(message.messageId)))
    assert.equal(report.reportingMta, 'relay.chain.test')
    assert.equal(report.recipients[0]?.status, '5.1.2')
  })

  test('every queue is empty in the end', async () => {
    await until('empty queues', async () => {
      const waiting = [
        await postfix?.queue(),
        ...(await Promise.all(Object.values(ours).map(server => server.queue()))),
      ]
      return waiting.every(rows => rows?.length === 0) ? true : undefined
    })
  })
})
