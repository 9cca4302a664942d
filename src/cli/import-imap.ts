/** Mail on another server, fetched by IMAP. */
import { ImapFlow, type ListResponse } from 'imapflow'
import { CommandError, EXIT, usage } from './access.ts'
import { flagsOf } from './eml-flags.ts'
import type { SourceMailbox, SourceMessage } from './import-source.ts'

export interface ImapAddress {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly tls: 'implicit' | 'starttls'
}

/** `imap://user@host[:port]/`, `imaps://…`; undefined: it is no such address. Throws CommandError for a wrong one. */
export function parseImapAddress(text: string): ImapAddress | undefined {
  if (!/^imaps?:\/\//i.test(text)) return undefined
  const url = URL.parse(text)
  const user = url ? decoded(url.username) : undefined
  if (!url || url.hostname === '' || user === undefined || user === '') {
    throw usage(`"${text}" is not an account on a server; write it like imaps://anna@mail.example.org/`)
  }
  if (url.password !== '') throw usage('a password in the arguments can be seen by others; it is asked for')
  const tls = url.protocol === 'imaps:' ? 'implicit' : 'starttls'
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return { host, port: url.port === '' ? (tls === 'implicit' ? 993 : 143) : Number(url.port), user, tls }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Messages whose flags and sizes are asked for at once; bytes of those that are fetched together. */
const WINDOW = 500
const TOGETHER = 2 * 1024 * 1024
/** Bytes: a larger one comes alone, in pieces. */
const LARGE = 256 * 1024

export interface ImapSource {
  readonly mailboxes: readonly SourceMailbox[]
  close(): Promise<void>
}

export interface ImapLogin {
  readonly password: string
  /** Any certificate will do, or no TLS where the server has none. */
  readonly insecure: boolean
}

/** Logs in and lists the mailboxes. Throws CommandError. */
export async function imapSource(address: ImapAddress, { password, insecure }: ImapLogin): Promise<ImapSource> {
  const client = new ImapFlow({
    host: address.host,
    port: address.port,
    secure: address.tls === 'implicit',
    ...(address.tls === 'starttls' && !insecure ? { doSTARTTLS: true } : {}),
    auth: { user: address.user, pass: password },
    tls: { rejectUnauthorized: !insecure },
    logger: false,
    disableAutoIdle: true,
  })
  client.on('error', () => undefined) // what waits for an answer is told
  try {
    await client.connect()
    const listed = (await client.list()).filter(({ flags }) => !flags.has('\\Noselect') && !flags.has('\\NonExistent'))
    return { mailboxes: mailboxesOf(client, address, listed), close: () => client.logout().catch(() => undefined) }
  } catch (error) {
    client.close()
    throw trouble(address, error)
  }
}

/** Views of what is in other mailboxes (RFC 6154); \All comes last, for what is nowhere else. */
const VIEWS = new Set(['\\Flagged', '\\Important'])

function mailboxesOf(client: ImapFlow, address: ImapAddress, listed: readonly ListResponse[]): SourceMailbox[] {
  const own = listed.filter(({ specialUse = '' }) => !VIEWS.has(specialUse))
  const all = own.filter(({ specialUse }) => specialUse === '\\All')
  const seen = all.length > 0 ? new Set<string>() : undefined
  const ordered = [...own.filter(one => !all.includes(one)), ...all]
  const prefix = client.namespace?.prefix ?? ''
  return ordered.map(one => mailboxOf(client, address, one, levelsOf(one, prefix), seen))
}

/** Without what all its mailboxes are below: `INBOX.Sent` is Sent where the server says so (RFC 2342). */
function levelsOf({ path, delimiter }: ListResponse, prefix: string): string[] {
  const name = prefix !== '' && path.startsWith(prefix) ? path.slice(prefix.length) : path
  return delimiter === '' ? [name] : name.split(delimiter)
}

interface Listed {
  readonly uid: number
  readonly size: number
  readonly message: Omit<SourceMessage, 'parts'>
}

function mailboxOf(
  client: ImapFlow,
  address: ImapAddress,
  { path, specialUse }: ListResponse,
  levels: readonly string[],
  seen: Set<string> | undefined,
): SourceMailbox {
  /** With their keys; RFC 9051 §2.3.1.1: UIDVALIDITY and UID say for ever which message it is. */
  async function list(uids: readonly number[], validity: bigint): Promise<Listed[]> {
    const range = uids.join(',')
    const rows = await client.fetchAll(range, { uid: true, flags: true, internalDate: true, size: true }, { uid: true })
    const listed: Listed[] = []
    for (const { uid, flags, internalDate, size = 0, emailId } of rows) {
      const isCopy = emailId !== undefined && seen?.has(emailId) === true
      if (emailId !== undefined) seen?.add(emailId)
      if (isCopy && specialUse === '\\All') continue
      const at = internalDate === undefined ? undefined : new Date(internalDate).getTime()
      const key = ['imap', address.host.toLowerCase(), address.user, path, validity, uid].join('\n')
      const message = {
        where: `${path}, UID ${uid}`,
        key,
        at,
        flags: flagsOf(flags ?? []),
        statusFields: 'keep',
      } as const
      listed.push({ uid, size, message })
    }
    return listed.sort((a, b) => a.uid - b.uid)
  }

  async function* fetchTogether(group: readonly Listed[]): AsyncGenerator<SourceMessage> {
    if (group.length === 0) return
    const range = group.map(({ uid }) => uid).join(',')
    const rows = await client.fetchAll(range, { uid: true, source: true }, { uid: true })
    const sources = new Map(rows.map(({ uid, source }) => [uid, source]))
    for (const { uid, message } of group) yield { ...message, parts: () => whole(sources.get(uid)) }
  }

  async function* download(uid: number): AsyncGenerator<Uint8Array> {
    const download = await client.download(String(uid), undefined, { uid: true, chunkSize: LARGE })
    if (!download.content) throw new Error('the server does not have it any more')
    for await (const chunk of download.content) yield chunk
  }

  async function* fetchAll(listed: readonly Listed[]): AsyncGenerator<SourceMessage> {
    let group: Listed[] = []
    let bytes = 0
    for (const one of listed) {
      bytes += one.size
      if (one.size <= LARGE && bytes <= TOGETHER) {
        group.push(one)
        continue
      }
      yield* fetchTogether(group)
      const alone = one.size > LARGE
      if (alone) yield { ...one.message, parts: () => download(one.uid) }
      group = alone ? [] : [one]
      bytes = alone ? 0 : one.size
    }
    yield* fetchTogether(group)
  }

  return {
    levels,
    specialUse,
    async *messages(wanted) {
      try {
        const { uidValidity } = await client.mailboxOpen(path, { readOnly: true })
        const found = await client.search({ all: true }, { uid: true })
        const uids = (found || []).sort((a, b) => a - b)
        for (let from = 0; from < uids.length; from += WINDOW) {
          const listed = await list(uids.slice(from, from + WINDOW), uidValidity)
          yield* fetchAll(listed.filter(({ message }) => wanted(message.key ?? '')))
        }
      } catch (error) {
        throw client.usable ? error : trouble(address, error)
      }
    },
  }
}

async function* whole(source: Uint8Array | undefined): AsyncGenerator<Uint8Array> {
  if (!source) throw new Error('the server did not give its content')
  yield source
}

function trouble({ host, port }: ImapAddress, error: unknown): CommandError {
  const answered = error instanceof Error && 'responseText' in error // the message says no more than that
  const said = answered ? String(error.responseText) : error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const advice = /CERT|SELF_SIGNED|ALTNAME|UNABLE_TO/.test(code) ? '; add --insecure to take any certificate' : ''
  return new CommandError(`${host}:${port}: ${said}${advice}`, EXIT.unavailable)
}
