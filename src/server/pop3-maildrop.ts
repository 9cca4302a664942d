/** The maildrops that the POP3 sessions of a thread have open: each session has its own list of what was in INBOX at its login. */
import { setImmediate as turn } from 'node:timers/promises'
import { type Deadlines, threadDeadlines } from '../net/deadlines.ts'
import { type Maildrop, newMaildrop } from '../pop3/maildrop.ts'
import type { Event } from '../pop3/session.ts'
import type { Credentials } from '../sasl/credentials.ts'
import type { MailboxRow, MailReader } from '../storage/mail-reader.ts'
import type { Account, LoginResult, Origin } from './login.ts'
import { MaildropReader, type ReadAhead } from './pop3-reader.ts'

export interface MaildropOptions {
  readonly reader: Pick<MailReader, 'mailboxNamed' | 'mails' | 'column' | 'fetchRows'>
  readonly logIn: (credentials: Credentials, origin: Origin) => Promise<LoginResult>
  readonly deadlines?: Deadlines
}

export interface OpenMaildrop {
  readonly account: Account
  readonly mailbox: number
  readonly maildrop: Maildrop
  readonly messages: MaildropReader
  /** To be called once. */
  close(): void
}

export type WhyNot = Extract<Event, { readonly on: 'not-opened' }>['why']

export interface Maildrops {
  open(credentials: Credentials, origin: Origin): Promise<OpenMaildrop | WhyNot>
}

/** Sessions of one account on one thread: each has a list in memory. */
const MOST_SESSIONS = 20

export function createMaildrops({ reader, logIn, deadlines = threadDeadlines }: MaildropOptions): Maildrops {
  const ahead: ReadAhead = { reader, deadlines, held: 0 }
  /** By account. */
  const sessions = new Map<number, number>()

  function leave(account: number): void {
    const others = (sessions.get(account) ?? 1) - 1
    if (others > 0) sessions.set(account, others)
    else sessions.delete(account)
  }

  return {
    async open(credentials, origin) {
      const answer = await logIn(credentials, origin)
      if (answer.is !== 'right') return answer.is
      const { account } = answer
      const mailbox = reader.mailboxNamed(account.id, 'INBOX')
      if (!mailbox) return 'no-maildrop'
      const others = sessions.get(account.id) ?? 0
      if (others >= MOST_SESSIONS) return 'in-use'
      sessions.set(account.id, others + 1)
      try {
        const maildrop = await readMaildrop(reader, mailbox)
        const messages = new MaildropReader(ahead, mailbox.id, maildrop)
        const close = (): void => {
          messages.release()
          leave(account.id)
        }
        return { account, mailbox: mailbox.id, maildrop, messages, close }
      } catch (error) {
        leave(account.id)
        throw error
      }
    },
  }
}

/** Messages that are read without giving others their turn: a few ms. */
const SLICE = 2000

/** RFC 1939 §4: the mailbox as it is now. What goes meanwhile is left out. */
async function readMaildrop(reader: Pick<MailReader, 'mails' | 'column'>, mailbox: MailboxRow): Promise<Maildrop> {
  const { uids: known } = reader.mails(mailbox.id)
  const uids = new Uint32Array(known.length)
  const sizes = new Uint32Array(known.length)
  let found = 0
  for (let from = 0; from < known.length; from += SLICE) {
    if (from > 0) await turn()
    const last = Math.min(from + SLICE, known.length) - 1
    for (const [uid, size] of reader.column(mailbox.id, 'size', [known[from] ?? 0, known[last] ?? 0])) {
      uids[found] = uid
      sizes[found++] = size
    }
  }
  return newMaildrop(mailbox.uidValidity, uids.subarray(0, found), sizes.subarray(0, found))
}
