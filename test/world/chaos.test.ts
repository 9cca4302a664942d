import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseReport } from '../../src/mail/report-parser.ts'
import { HANG_UP, type Script, type ScriptedPeer } from './peer.ts'
import type { WorldServer } from './server.ts'
import { createWorld, type World } from './world.ts'

/**
 * A bad day, by seed: hosts that come and go, hang up, say 4xx; a server of ours, or one of its threads, that crashes in the middle of anything;
 * then a week of calm.
 * Whatever was acknowledged has one end, and a message is doubled only where nobody could have known better.
 */

/** WORLD_SEEDS=200 for a long run. */
const SEEDS = Number(process.env['WORLD_SEEDS'] ?? 12)
const MESSAGES = 60
const CRASHES = 8

interface Order {
  readonly mark: string
  readonly to: readonly string[]
  /** The client heard 250. Otherwise it may be there or not. */
  readonly acknowledged: boolean
}

const OWN = ['ann@home.test', 'bob@home.test']

function troublesome(world: World, calm: () => boolean, hangUps: Map<string, number>): Script {
  let rcpts: string[] = []
  return {
    ...(world.chance() < 0.5 ? { offers: ['PIPELINING', '8BITMIME', 'DSN'] } : { offers: [] }),
    answer(command) {
      if (command.startsWith('MAIL')) rcpts = []
      if (command.includes('<no')) return '550 5.1.1 Nobody of that name'
      if (calm()) return undefined
      const chance = world.chance()
      if (command === '.') {
        if (chance < 0.1) return '451 4.3.0 Not now'
        if (chance > 0.1 && chance < 0.2) {
          for (const rcpt of rcpts) hangUps.set(rcpt, (hangUps.get(rcpt) ?? 0) + 1)
          return HANG_UP
        }
        return undefined
      }
      if (chance < 0.03) return HANG_UP
      if (chance < 0.1 && !command.startsWith('QUIT')) return '450 4.2.0 Later'
      if (command.startsWith('RCPT')) rcpts.push(/<([^>]*)>/.exec(command)?.[1] ?? '')
      return undefined
    },
  }
}

async function badDay(world: World, threads: number) {
  let calm = false
  let crashes = 0
  const hangUps = new Map<string, number>()
  const home = await world.server({
    hostname: 'mx.home.test',
    accounts: OWN,
    threads,
    aliases: { 'team@home.test': [...OWN, 'x0@p0.test'] },
  })
  const other = await world.server({ hostname: 'mx.other.test', accounts: ['eve@other.test'] })
  const peers = Array.from({ length: 4 }, (_, i) => {
    const peer = world.peer(
      `mx.p${i}.test`,
      troublesome(world, () => calm, hangUps),
    )
    world.zone[`p${i}.test`] = { mx: [[10, `mx.p${i}.test`]] }
    return peer
  })
  const pick = <T>(of: readonly T[]): T => {
    const one = of[Math.floor(world.chance() * of.length)]
    if (one === undefined) throw new Error('nothing to choose from')
    return one
  }
  const orders: Order[] = []
  for (let i = 0; i < MESSAGES; i++) {
    for (const peer of peers) if (world.chance() < 0.1) peer.state = pick(['up', 'up', 'refusing', 'silent'] as const)
    const places = [
      `x${i}@p0.test`,
      `y${i}@p1.test`,
      `z${i}@p2.test`,
      `w${i}@p3.test`,
      `no${i}@p1.test`,
      'eve@other.test',
      ...OWN,
      'team@home.test',
    ]
    const to = [...new Set(Array.from({ length: 1 + Math.floor(world.chance() * 4) }, () => pick(places)))]
    if (crashes < CRASHES && world.chance() < 0.3) {
      crashes++
      const victim = world.chance() < 0.7 ? home : other
      const whole = threads === 1 || world.chance() < 0.4
      const thread = Math.floor(world.chance() * threads)
      world.interrupt(1 + Math.floor(world.chance() * 60), () => {
        if (whole || victim === other) victim.crash()
        else victim.crashThread(thread)
      })
    }
    const mark = `mark-${i}-`
    const content = `From: <ann@home.test>\r\nSubject: ${mark}\r\n\r\nHello\r\n`
    const { id, recipients } = await home.send({ from: 'ann@home.test', to, content })
    const accepted = to.filter((_, n) => recipients[n]?.startsWith('250'))
    orders.push({ mark, to: id === '' ? to : accepted, acknowledged: id !== '' })
    await world.advance(Math.floor(world.chance() * 1_800_000))
  }
  calm = true
  for (const peer of peers) peer.state = 'up'
  await world.advance('7 days')
  return { home, other, peers, orders, hangUps, crashes }
}

/** How often each address got each message. */
function arrivals(
  peers: readonly ScriptedPeer[],
  servers: readonly [WorldServer, readonly string[]][],
): Map<string, number> {
  const count = new Map<string, number>()
  const add = (content: string, address: string): void => {
    const mark = /^Subject: (mark-\d+-)/m.exec(content)?.[1]
    if (mark !== undefined) count.set(mark + address, (count.get(mark + address) ?? 0) + 1)
  }
  for (const { taken } of peers) for (const { content, to } of taken) for (const address of to) add(content, address)
  for (const [server, accounts] of servers)
    for (const account of accounts)
      for (const { text } of server.mailbox(account)) if (!text.startsWith('From: Mail Delivery')) add(text, account)
  return count
}

/** How often the sender was told that a message failed for an address. */
function failures(home: WorldServer): Map<string, number> {
  const count = new Map<string, number>()
  for (const { text } of home.mailbox('ann@home.test')) {
    const report = parseReport(Buffer.from(text))
    const mark = /^Subject: (mark-\d+-)/m.exec(text)?.[1]
    for (const { action, final } of report?.recipients ?? [])
      if (action === 'failed') count.set(`${mark}${final.address}`, (count.get(`${mark}${final.address}`) ?? 0) + 1)
  }
  return count
}

const expand = (to: readonly string[]): readonly string[] => [
  ...new Set(to.flatMap(address => (address === 'team@home.test' ? [...OWN, 'x0@p0.test'] : [address]))),
]

suite('bad days', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    test(`seed ${seed}: everything acknowledged has one end`, async () => {
      await using world = createWorld({ seed })
      const { home, other, peers, orders, hangUps, crashes } = await badDay(world, (seed % 3) + 1)
      assert.deepEqual(home.queue(), [])
      assert.deepEqual(other.queue(), [])
      const arrived = arrivals(peers, [
        [home, OWN],
        [other, ['eve@other.test']],
      ])
      const failed = failures(home)
      assert.ok(orders.some(({ acknowledged }) => acknowledged))
      for (const { mark, to, acknowledged } of orders) {
        for (const address of expand(to)) {
          const [came, told] = [arrived.get(mark + address) ?? 0, failed.get(mark + address) ?? 0]
          const what = `${mark} for ${address}: arrived ${came}, failure told ${told}`
          assert.ok(told <= 1, what)
          if (address.startsWith('no')) assert.equal(came, 0, what)
          if (acknowledged) assert.ok(came + told >= 1, `lost: ${what}`)
          if (acknowledged) assert.ok(came === 0 || told === 0, `both: ${what}`)
          // Into our own mailboxes exactly once; to others again only where the acknowledgement was lost.
          const doubts = OWN.includes(address) ? 0 : (hangUps.get(address) ?? 0) + crashes
          assert.ok(came <= 1 + doubts, `doubled: ${what}`)
        }
      }
    })
  }
})
