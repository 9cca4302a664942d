/** A mail that is being fetched, with as much of it as the items of the command need. */
import { type FileHandle, open } from 'node:fs/promises'
import { contentSize, type Content } from '../../mail/content.ts'
import type { Description } from '../../mail/description.ts'
import type { Id } from '../../mail/id.ts'
import type { FetchRow, MailRow } from '../../storage/mail-reader.ts'
import { describeContent } from '../../store/describe-content.ts'
import type { Pace } from './response-writer.ts'
import type { Parts } from './section.ts'
import type { ImapServices } from './session.ts'

/** What has to be read of each mail. Nothing: what the view knows is enough. */
export interface Needs {
  readonly row: boolean
  readonly envelope: boolean
  readonly body: boolean
  readonly structure: boolean
  readonly parts: boolean
  /** `lazy`: only if it is there. */
  readonly preview: 'no' | 'lazy' | 'yes'
  readonly content: boolean
}

/** One for the whole command: who walks sets the first four, `load` the rest. What was not needed is undefined. */
export interface FetchedMail {
  seq: number
  uid: number
  /** Bits, and their MODSEQ, as they were when it was loaded: they may change while it is being sent. */
  flags: number
  modseq: number
  row: MailRow | undefined
  envelope: Uint8Array | undefined
  body: Uint8Array | undefined
  structure: Uint8Array | undefined
  preview: string | undefined
  parts: Parts | undefined
  /** The copy's own lines, before the content. */
  head: Buffer
  content: Content
  /** Open as long as the mail is being sent, so that it can go meanwhile. */
  file: FileHandle | undefined
}

const NOTHING = Buffer.alloc(0)
const EMPTY: Content = { in: 'memory', bytes: NOTHING }
/** Rows that are read together: so many at most, and of contents no more than about so many bytes. */
const ROWS = 64
const CONTENTS = 16
const CONTENT_BYTES = 64 * 1024
/** Descriptions that are worked out before the storage hears of them. */
const DESCRIBED = 32

/** `unreadable`: its file is lost or damaged, or the disk fails; a person was told. */
export type Loaded = 'there' | 'gone' | 'unreadable'

export interface MailLoader {
  readonly mail: FetchedMail
  /** `until`: the UIDs up to here are likely to be wanted next. */
  load(until: number): Loaded | Promise<Loaded>
  /** Closes what `load` opened. */
  unload(): Promise<void> | undefined
  /** What was worked out on the way is kept. */
  end(): Promise<void>
}

export function mailLoader(
  mailbox: number,
  needs: Needs,
  { reader, content, storage, complain }: Pick<ImapServices, 'reader' | 'content' | 'storage' | 'complain'>,
  { worked }: Pick<Pace, 'worked'>,
): MailLoader {
  const mail: FetchedMail = { seq: 0, uid: 0, flags: 0, modseq: 0, ...unloaded(), file: undefined }
  let rows: readonly FetchRow[] = []
  let next = 0
  /** Rows of the next look: as large as those of the last one were. */
  let limit = needs.content ? 4 : ROWS
  let described: { message: Id; description: Description }[] = []

  function rowOf(uid: number, until: number): FetchRow | undefined {
    while (next < rows.length && (rows[next]?.uid ?? 0) < uid) next++
    if (next === rows.length) {
      rows = reader.fetchRows(mailbox, [uid, until], limit, needs)
      next = 0
      if (needs.content) limit = rowsOf(rows)
    }
    const row = rows[next]
    return row?.uid === uid ? row : undefined
  }

  /** Answers whether all that is needed was there. */
  function loadDescription({ message, envelope, body, structure }: FetchRow): boolean {
    mail.envelope = envelope
    mail.body = body
    mail.structure = structure
    if (needs.preview !== 'no') mail.preview = reader.preview(message)
    if (needs.parts) mail.parts = reader.parts(message)
    return !(
      (needs.envelope && mail.envelope === undefined) ||
      (needs.body && mail.body === undefined) ||
      (needs.structure && mail.structure === undefined) ||
      (needs.preview === 'yes' && mail.preview === undefined) ||
      (needs.parts && mail.parts === undefined)
    )
  }

  async function describe(message: Id, of: Content): Promise<void> {
    const description = await describeContent(of)
    worked(contentSize(of))
    mail.envelope = description.envelope
    mail.body = description.body
    mail.structure = description.structure
    mail.preview = description.preview
    mail.parts = description
    if (described.push({ message, description }) >= DESCRIBED) await keep()
  }

  async function keep(): Promise<void> {
    const known = described
    described = []
    if (known.length > 0) await storage.ask('describe', known)
  }

  async function loadSlowly(message: Id, missing: boolean): Promise<Loaded> {
    const of = mail.content === EMPTY ? content(message) : mail.content
    if (!of) return 'gone'
    try {
      if (missing) await describe(message, of)
      if (needs.content && of.in === 'file') mail.file = await open(of.path, 'r')
      return 'there'
    } catch (error) {
      // Somebody removed the mail, and its file, since we looked.
      if (isMissingFile(error) && !content(message)) return 'gone'
      complain(error)
      return 'unreadable'
    }
  }

  return {
    mail,
    load(until) {
      if (!needs.row) return 'there'
      Object.assign(mail, unloaded())
      const row = rowOf(mail.uid, until)
      if (!row) return 'gone'
      mail.row = row
      const { message, head } = row
      const missing = !loadDescription(row)
      if (needs.content) {
        const found = row.content ? ({ in: 'memory', bytes: row.content } as const) : content(message)
        if (!found) return 'gone'
        if (head !== '') mail.head = Buffer.from(head)
        mail.content = found
        if (found.in === 'memory') worked(found.bytes.length)
      }
      return missing || mail.content.in === 'file' ? loadSlowly(message, missing) : 'there'
    },
    unload() {
      const { file } = mail
      mail.file = undefined
      return file?.close()
    },
    end: keep,
  }
}

function unloaded() {
  return {
    row: undefined,
    envelope: undefined,
    body: undefined,
    structure: undefined,
    preview: undefined,
    parts: undefined,
    head: NOTHING,
    content: EMPTY,
  }
}

function isMissingFile(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/** How many like these are read together. */
function rowsOf(rows: readonly FetchRow[]): number {
  const bytes = rows.reduce((sum, { content }) => sum + (content?.length ?? 0), 0)
  return Math.max(1, Math.min(CONTENTS, Math.floor((CONTENT_BYTES * rows.length) / Math.max(1, bytes))))
}
