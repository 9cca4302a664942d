/** How people get at their mail: the IMAP and POP3 sessions of a thread, and what they share. */
import { unlink } from 'node:fs/promises'
import type { Limits } from '../config/settings.ts'
import type { Directory } from '../directory/directory.ts'
import type { PasswordChecker } from '../directory/passwords.ts'
import { eventLine } from '../log/events.ts'
import type { Id } from '../mail/id.ts'
import type { Connection, ConnectionHandler } from '../net/connection.ts'
import type { AuthFailures } from '../net/sources.ts'
import type { Credentials } from '../sasl/credentials.ts'
import type { ChangedMailbox } from '../storage/operations.ts'
import type { StorageReader } from '../storage/sqlite/reader.ts'
import type { Storage } from '../storage/storage.ts'
import { openViews } from '../store/views.ts'
import { collectMessage, type ReceiveBudget } from './collector.ts'
import { ImapLoop } from './imap/loop.ts'
import type { ImapServices } from './imap/session.ts'
import { type Account, type LoginResult, logIn, type Origin } from './login.ts'
import { createPop3 } from './pop3.ts'

export interface AccessOptions {
  readonly hostname: string
  readonly data: string
  /** May change while we run. */
  readonly limits: () => Limits
  readonly mayLogInInClear: () => (address: string) => boolean
  readonly tlsPossible: () => boolean
  readonly owner: number
  readonly storage: Storage
  readonly reader: StorageReader
  readonly directory: Directory
  readonly passwords: PasswordChecker
  readonly failures: AuthFailures
  readonly budget: ReceiveBudget
  readonly nextId: () => Id
  /** ms since 1970 */
  readonly now: () => number
  readonly complain: (error: unknown) => void
}

/** A session with a client, whatever it speaks. */
export interface MailSession extends ConnectionHandler {
  /** The greeting. */
  start(): void
  /** We stop: says so, and ends. */
  shutdown(): void
}

/** A session in which somebody may have logged in. */
interface AccountSession extends MailSession {
  /** undefined: nobody has. */
  readonly account: Account | undefined
  /** Ends it when what is under way is done. */
  leave(why: string): void
}

export function openMailAccess(options: AccessOptions) {
  const { hostname, data, storage, reader, directory, nextId, now, budget } = options
  const views = openViews(reader.mail)

  /** What happened is in the timeline of a session that has nothing else to tell. */
  async function logInBy(via: string, credentials: Credentials, { address, tls }: Origin): Promise<LoginResult> {
    const { passwords, failures } = options
    const result = await logIn(credentials, address, { directory, passwords, failures, limits: options.limits() })
    const session = nextId()
    const client = { address, helo: undefined, login: undefined, tls, via }
    if (result.is === 'right') {
      const event = { event: 'logged-in', session, login: result.account.address, client } as const
      storage.record([{ subject: session, event: eventLine(now(), event) }])
    } else if (result.is !== 'busy') {
      const reply = { code: 535, status: '5.7.8', text: ['User name or password is wrong'] }
      const event = { event: 'refused', session, at: 'auth', reply, client, detail: {} } as const
      storage.record([{ subject: session, event: eventLine(now(), event) }])
    }
    return result
  }

  const imap: ImapServices = {
    hostname,
    storage,
    reader: reader.mail,
    views,
    content: id => reader.content(id),
    logIn: (credentials, origin) => logInBy('imap', credentials, origin),
    accountNamed: address => directory.account(address),
    nextId,
    now,
    owner: options.owner,
    get limits() {
      const { messageSize, idleTimeout, mailboxIdleTimeout } = options.limits()
      return { messageSize, idleBeforeLogin: idleTimeout, idle: mailboxIdleTimeout }
    },
    tlsPossible: options.tlsPossible,
    collect: () => collectMessage(nextId(), data, budget),
    discard: content => {
      if (content.in === 'file') void unlink(content.path).catch(() => undefined)
    },
    complain: options.complain,
  }
  const pop3 = createPop3({
    hostname,
    storage,
    reader: reader.mail,
    content: id => reader.content(id),
    logIn: (credentials, origin) => logInBy('pop3', credentials, origin),
    get limits() {
      return options.limits()
    },
    now,
    tlsPossible: options.tlsPossible,
    mayLogInInClear: address => options.mayLogInInClear()(address),
    complain: options.complain,
  })

  /** With who wants to know that they have ended. */
  const sessions = new Map<AccountSession, (session: MailSession) => void>()
  const ended = (session: AccountSession): void => {
    const gone = sessions.get(session)
    sessions.delete(session)
    gone?.(session)
  }

  function begin(connection: Connection, language: 'imap' | 'pop3'): AccountSession {
    if (language === 'pop3') return pop3.serve(connection, ended)
    return new ImapLoop(connection, imap, options.mayLogInInClear()(connection.peer.address), ended)
  }

  return {
    /** `gone`: it has ended. */
    serve(connection: Connection, language: 'imap' | 'pop3', gone: (session: MailSession) => void): MailSession {
      const session = begin(connection, language)
      sessions.set(session, gone)
      return session
    },

    /** The directory is another: who was logged in to an account that is gone is not any more. */
    accountsChanged(): void {
      for (const session of sessions.keys()) {
        const { account } = session
        if (account && directory.account(account.address)?.id !== account.id) session.leave('The account was removed')
      }
    },

    /** What the storage said. */
    changed: (changes: readonly ChangedMailbox[]): void => views.changed(changes),
  }
}

export type MailAccess = ReturnType<typeof openMailAccess>
