/** What must hold with every foreign mail server as our previous and as our next hop, in both directions with STARTTLS. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { RelayConfig } from '../../src/config/define.ts'
import { parseReport, type Report } from '../../src/mail/report-parser.ts'
import { type Door, nodemailerTransport } from './clients.ts'
import { corpus, difference, headerOf, large, type Message, withoutTrace } from './corpus.ts'
import { arrives } from './postfix.ts'
import { freePort, until } from './program.ts'
import { type Environment, type Staffetta, startStaffetta } from './staffetta.ts'

/** A foreign mail server. */
export interface Neighbour {
  readonly host: string
  readonly port: number
  readonly log: () => string
  readonly mail: (address: string) => Buffer[] | Promise<Buffer[]>
  readonly stop: () => Promise<void>
}

export interface Hops<T extends Neighbour> {
  readonly name: string
  readonly skip: string | false
  /** Has the mailboxes CARLA and JORG, and sends mail for staffetta.test to this port of 127.0.0.1, never without TLS. */
  readonly start: (port: number) => Promise<T>
  /** Whether nothing waits there any more. */
  readonly isEmpty: (neighbour: T) => Promise<boolean>
  /** How we log in there. */
  readonly auth?: { readonly user: string; readonly pass: string }
  /** Tests for after those that all have in common. */
  readonly more?: (neighbour: () => T) => void
}

export const ANNA = 'anna@staffetta.test'
export const CARLA = 'carla@neighbour.test'
export const JORG = 'jörg@neighbour.test'
const LOTTE = 'lötte@staffetta.test'
const NOBODY = 'nobody@neighbour.test'
const NOBODY_HERE = 'nobody@staffetta.test'

/** A server of ours that sends mail for neighbour.test to this port, with TLS where it is offered, unless `relay` says otherwise. */
export function startBeside(port: number, ours?: number, relay: Partial<RelayConfig> = {}, env: Environment = {}) {
  return startStaffetta({
    hostname: 'mx.staffetta.test',
    domains: ['staffetta.test'],
    accounts: [ANNA, LOTTE],
    env,
    ...(ours === undefined ? {} : { port: ours }),
    config: { routes: [{ to: 'neighbour.test', relay: { host: '127.0.0.1', port, tls: 'opportunistic', ...relay } }] },
  })
}

type Dsn = {
  readonly notify: 'never' | ('success' | 'failure' | 'delay')[]
  readonly id: string
  readonly return: 'headers' | 'full'
  readonly recipient: string
}

/** Hands a message in by SMTP without TLS; rejects when a recipient is refused. */
export async function post(
  { host, port }: { readonly host: string; readonly port: number },
  message: { readonly from: string; readonly to: string | string[]; readonly bytes: Buffer },
  dsn?: Dsn,
): Promise<void> {
  const door: Door = { host, port, security: 'plain', login: undefined }
  const transport = nodemailerTransport(door)
  try {
    const envelope = { from: message.from, to: message.to, ...(dsn === undefined ? {} : { dsn }) }
    const info = await transport.sendMail({ envelope, raw: message.bytes, ...(dsn === undefined ? {} : { dsn }) })
    assert.deepEqual(info.rejected, [])
  } finally {
    transport.close()
  }
}

export function isReportOn(messageId: string): (bytes: Buffer) => boolean {
  return bytes => bytes.includes('delivery-status') && bytes.includes(messageId)
}

/** As our parser understands it; with the facts that every report must show. */
export function read(bytes: Buffer): Report {
  const report = parseReport(bytes)
  assert.ok(report, `not understood: ${bytes.toString().slice(0, 4000)}`)
  const header = headerOf(bytes)
  assert.match(header, /^Return-Path: <>/im) // RFC 3461 §6.1
  assert.match(header, /^Auto-Submitted: auto-(?:replied|generated)/im) // RFC 3834 §5
  assert.match(header, /^Content-Type: multipart\/report;\s+report-type=delivery-status/im) // RFC 6522 §3
  return report
}

export function hopTests<T extends Neighbour>({ name, skip, start, isEmpty, auth, more }: Hops<T>): void {
  suite(`${name} beside us`, { skip }, () => {
    let neighbour: T
    let server: Staffetta
    let here: { readonly host: string; readonly port: number }

    before(async () => {
      const port = await freePort()
      neighbour = await start(port)
      server = await startBeside(neighbour.port, port, auth === undefined ? {} : { auth })
      here = { host: server.host, port }
    })

    after(async () => {
      await server?.stop()
      await neighbour?.stop()
    })

    const plain = (from: string, to: string): Message => {
      const [message] = corpus({ from, to, international: undefined })
      assert.ok(message)
      return message
    }
    const arrived = (at: Neighbour | Staffetta, address: string, messageId: string) =>
      arrives(at, address, bytes => bytes.includes(messageId) && !bytes.includes('delivery-status'))
    const reports = async (at: Neighbour | Staffetta, address: string, messageId: string) =>
      (await at.mail(address)).filter(isReportOn(messageId))
    const settled = () =>
      until(
        () => `empty queues: ${server.log().slice(-2000)} ${neighbour.log().slice(-2000)}`,
        async () => ((await server.queue()).length === 0 && (await isEmpty(neighbour)) ? true : undefined),
      )

    const check = async (at: Neighbour | Staffetta, message: Message): Promise<void> => {
      const found = await arrived(at, message.to, message.messageId)
      assert.equal(difference(withoutTrace(found), message.bytes), undefined, message.name)
      // RFC 3848, RFC 6531 §4.3: with TLS
      const received = /^Received:.*(?:\r\n[ \t].*)*/im.exec(headerOf(found))?.[0] ?? ''
      assert.match(received, /\bwith (?:e|utf8e?)smtpsa?\b/i, message.name)
    }

    test(`${name} hands mail to us, byte for byte and with TLS`, async () => {
      const people = { from: CARLA, to: ANNA, international: LOTTE }
      const messages = [...corpus(people), large(people)]
      for (const message of messages) await post(neighbour, message)
      for (const message of messages) await check(server, message)
    })

    test(`we hand mail to ${name}, byte for byte and with TLS`, async () => {
      const people = { from: ANNA, to: CARLA, international: JORG }
      const messages = [...corpus(people), large(people)]
      for (const message of messages) await post(here, message)
      for (const message of messages) await check(neighbour, message)
    })

    test(`${name} tells its sender of a recipient that we do not know, and we understand it`, async () => {
      const message = plain(CARLA, ANNA)
      await post(neighbour, { ...message, to: [ANNA, NOBODY_HERE] })
      await arrived(server, ANNA, message.messageId)
      const report = read(await arrives(neighbour, CARLA, isReportOn(message.messageId)))
      assert.deepEqual(
        report.recipients.map(({ final, action }) => ({ address: final.address, action })),
        [{ address: NOBODY_HERE, action: 'failed' }],
      )
      assert.match(report.recipients[0]?.status ?? '', /^5\./)
      assert.match(report.recipients[0]?.diagnostic?.text ?? '', /\b550[ -]5\.1\.1\b/)
    })

    test(`we tell our sender of a recipient that ${name} does not know`, async () => {
      const message = plain(ANNA, CARLA)
      await post(here, { ...message, to: [CARLA, NOBODY] })
      await arrived(neighbour, CARLA, message.messageId)
      const report = read(await arrives(server, ANNA, isReportOn(message.messageId)))
      assert.equal(report.reportingMta, 'mx.staffetta.test')
      assert.deepEqual(
        report.recipients.map(({ final, action }) => ({ address: final.address, action })),
        [{ address: NOBODY, action: 'failed' }],
      )
      assert.match(report.recipients[0]?.status ?? '', /^5\./)
      assert.match(report.recipients[0]?.diagnostic?.text ?? '', /^550\b/)
      assert.ok(report.original?.bytes.toString().includes(message.messageId))
    })

    test(`our report reaches a sender behind ${name}`, async () => {
      const message = plain(CARLA, NOBODY)
      await post(here, message)
      const found = await arrives(neighbour, CARLA, isReportOn(message.messageId))
      assert.equal(read(found).reportingMta, 'mx.staffetta.test')
      assert.match(headerOf(found), /^From: .*<MAILER-DAEMON@mx\.staffetta\.test>/im)
      assert.match(headerOf(found), new RegExp(`^To: ${CARLA}`, 'im'))
      await settled()
      assert.equal((await reports(neighbour, CARLA, message.messageId)).length, 1)
    })

    const success = (recipient: string): Dsn => ({ notify: ['success'], id: 'order+17', return: 'headers', recipient })

    test(`NOTIFY=SUCCESS through ${name}: we report the delivery`, async () => {
      const message = plain(CARLA, ANNA)
      await post(neighbour, message, success('Original@elsewhere.test'))
      const report = read(await arrives(neighbour, CARLA, isReportOn(message.messageId)))
      await settled()
      assert.equal((await reports(neighbour, CARLA, message.messageId)).length, 1)
      assert.equal(report.reportingMta, 'mx.staffetta.test')
      assert.equal(report.envelopeId, 'order+17')
      const [recipient] = report.recipients
      assert.equal(recipient?.action, 'delivered')
      assert.equal(recipient?.final.address, ANNA)
      assert.deepEqual(recipient?.original, { type: 'rfc822', address: 'Original@elsewhere.test' })
      assert.equal(report.original?.is, 'header')
    })

    test(`NOTIFY=SUCCESS to ${name}: it reports, we do not`, async () => {
      const message = plain(ANNA, CARLA)
      await post(here, message, success('Original@elsewhere.test'))
      const report = read(await arrives(server, ANNA, isReportOn(message.messageId)))
      await settled()
      assert.equal((await reports(server, ANNA, message.messageId)).length, 1)
      assert.notEqual(report.reportingMta, 'mx.staffetta.test')
      assert.match(report.envelopeId ?? '', /^order(?:\+|\+2B)17$/) // Exim 4.96 leaves it in xtext
      const [recipient] = report.recipients
      assert.equal(recipient?.action, 'delivered')
      assert.equal(recipient?.final.address, CARLA)
      assert.deepEqual(recipient?.original, { type: 'rfc822', address: 'Original@elsewhere.test' })
    })

    test(`the trace of a message shows what ${name} said`, async () => {
      const message = plain(ANNA, CARLA)
      await post(here, message)
      await arrived(neighbour, CARLA, message.messageId)
      await settled()
      const trace = (await server.command(['trace', message.messageId, '--json'])).toString()
      assert.match(trace, /"delivered"/)
      assert.match(trace, /"250 .*(?:queued as|OK id=)/)
    })

    test(`NOTIFY=NEVER: nobody hears of a failure at ${name} or here`, async () => {
      const there = plain(ANNA, NOBODY)
      const back = plain(CARLA, NOBODY_HERE)
      await post(here, there, { ...success(NOBODY), notify: 'never' })
      await post(neighbour, back, { ...success(NOBODY_HERE), notify: 'never' })
      await until('both attempts', () =>
        [server.log().includes(NOBODY), neighbour.log().includes(NOBODY_HERE)].every(Boolean) ? true : undefined,
      )
      await settled()
      assert.equal((await reports(server, ANNA, there.messageId)).length, 0)
      assert.equal((await reports(neighbour, CARLA, back.messageId)).length, 0)
    })

    more?.(() => neighbour)
  })
}
