/** What the tests of IMAP clients share: a server with mailboxes, a thousand messages of all kinds, and a pair of eyes that looks at a mailbox. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ImapFlow, type ImapFlowOptions } from 'imapflow'
import { corpus } from './corpus.ts'
import { freePort, makeCertificate } from './program.ts'
import { PASSWORD, type Staffetta, startStaffetta } from './staffetta.ts'
import { FROM, MESSAGES } from './structure-messages.ts'

const HOST = '127.0.0.1'
/** Messages in the large mailbox, with the one of 10 MB. */
export const COUNT = 1000

export interface MailboxServer extends Staffetta {
  /** TLS by STARTTLS, and from the first byte. */
  readonly imap: number
  readonly imaps: number
  readonly pop3s: number
  /** The file of its certificate, which is for 127.0.0.1, too: a client can check it. */
  readonly certificate: string
  /** For the clients' files; removed by `stop`. */
  readonly folder: string
}

/** Accounts are `name@staffetta.test`, with PASSWORD. */
export async function startMailboxServer(names: readonly string[]): Promise<MailboxServer> {
  const folder = mkdtempSync(join(tmpdir(), 'mailboxes-'))
  const { cert, key } = await makeCertificate(folder, 'mx.staffetta.test')
  const [imap, imaps, pop3s] = [await freePort(), await freePort(), await freePort()]
  const on = (port: number) => ({ port, host: HOST })
  const server = await startStaffetta({
    hostname: 'mx.staffetta.test',
    domains: ['staffetta.test'],
    accounts: names.map(addressOf),
    config: { listeners: { imap: on(imap), imaps: on(imaps), pop3s: on(pop3s) }, tls: { cert, key } },
  })
  return {
    ...server,
    imap,
    imaps,
    pop3s,
    certificate: cert,
    folder,
    async stop() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const addressOf = (name: string): string => `${name}@staffetta.test`

/** A message that is only looked for, not looked at. */
export function letter(subject: string, body = 'Good morning.\r\n'): Buffer {
  const header = `From: Bruno <bruno@staffetta.test>\r\nTo: anna@staffetta.test\r\nSubject: ${subject}\r\n`
  return Buffer.from(
    `${header}Date: Tue, 24 Nov 2026 12:00:00 +0000\r\nMessage-ID: <${hash(Buffer.from(subject)).slice(0, 20)}@client.test>\r\n\r\n${body}`,
  )
}

/**
 * COUNT different messages: nasty ones, mime4j's where they are, many ordinary ones, and the last has an attachment of 10 MB. Without NUL,
 * which no literal may have (RFC 9051 §9: CHAR8), and, `lines`: `CRLF`: only with such line ends, for programs that keep mail with others.
 */
export function manyMessages(lines: 'CRLF' | 'any'): Buffer[] {
  const people = { from: 'bruno@staffetta.test', to: 'anna@staffetta.test', international: undefined }
  const senders = FROM.map(value => Buffer.from(`From: ${value}\r\n\r\n`, 'latin1'))
  const nasty = MESSAGES.map(([, text]) => Buffer.from(text, 'latin1'))
  const special = [...corpus(people).map(({ bytes }) => bytes), ...senders, ...nasty, ...vectors()]
    .filter(bytes => !bytes.includes(0))
    .filter(bytes => lines === 'any' || !/\r(?!\n)|(?<!\r)\n/.test(bytes.toString('latin1')))
  const ordinary = Array.from({ length: COUNT - special.length - 1 }, (_, n) =>
    letter(`number ${n}`, `${'.'.repeat(n % 4)}line of ${n}\r\n`.repeat(n % 97)),
  )
  return [...special, ...ordinary, attachment()]
}

function vectors(): Buffer[] {
  const folder = join(import.meta.dirname, '../../../shared/vectors/mime')
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter(name => name.endsWith('.msg'))
    .map(name => readFileSync(join(folder, name)))
}

/** 10 MB of noise from one formula: what is attached to the largest message, as its part 2. */
export function attached(): Buffer {
  const octets = Buffer.alloc(10 * 1024 * 1024)
  for (let at = 0; at < octets.length; at += 4) octets.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at)
  return octets
}

function attachment(): Buffer {
  const header = 'Subject: large\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n'
  const part = 'Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n'
  const text = attached().toString('base64').replaceAll(/.{76}/g, '$&\r\n')
  return Buffer.from(`${header}--b\r\n\r\nSee there.\r\n--b\r\n${part}${text}\r\n--b--\r\n`)
}

export const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** The same messages, whatever their order; no test should print 10 MB. */
export function sameMessages(found: readonly Buffer[], wanted: readonly Buffer[]): void {
  const [ours, theirs] = [found, wanted].map(all => all.map(hash).sort())
  assert.equal(found.length, wanted.length)
  assert.deepEqual(ours, theirs)
}

/** A connection of imapflow, closed afterwards whatever happens. */
export async function withImap<T>(
  server: MailboxServer,
  name: string,
  use: (client: ImapFlow) => Promise<T>,
  options: Partial<ImapFlowOptions> = {},
): Promise<T> {
  const client = new ImapFlow({
    host: HOST,
    port: server.imaps,
    secure: true,
    tls: { ca: readFileSync(server.certificate) },
    logger: false,
    auth: { user: addressOf(name), pass: PASSWORD },
    ...options,
  })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.logout()
  }
}

/** Appends them to a mailbox, in order. */
export async function fill(
  server: MailboxServer,
  name: string,
  mailbox: string,
  all: readonly Buffer[],
): Promise<void> {
  await withImap(server, name, async client => {
    for (const bytes of all) await client.append(mailbox, bytes)
  })
}

export interface Seen {
  readonly uid: number
  readonly subject: string
  readonly flags: readonly string[]
}

/** What is in a mailbox, in order of UID; undefined: there is no such mailbox. */
export async function look(server: MailboxServer, name: string, mailbox = 'INBOX'): Promise<Seen[] | undefined> {
  return await withImap(server, name, async client => {
    const status = await client.mailboxOpen(mailbox, { readOnly: true }).catch(() => undefined)
    if (!status) return undefined
    if (status.exists === 0) return []
    const all = await client.fetchAll('1:*', { uid: true, flags: true, envelope: true })
    return all.map(({ uid, flags, envelope }) => ({
      uid,
      subject: envelope?.subject ?? '',
      flags: [...(flags ?? [])].filter(flag => flag !== '\\Recent').sort(),
    }))
  })
}

/** Whole messages, in order of UID. */
export async function contents(server: MailboxServer, name: string, mailbox = 'INBOX'): Promise<Buffer[]> {
  return await withImap(server, name, async client => {
    const { exists } = await client.mailboxOpen(mailbox, { readOnly: true })
    if (exists === 0) return []
    const all = await client.fetchAll('1:*', { source: true })
    return all.map(({ source }) => source ?? Buffer.alloc(0))
  })
}
