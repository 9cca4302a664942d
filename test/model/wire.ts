/** One end of a connection to a server, and the server. */

export interface Wire {
  /** Latin-1. */
  send(text: string): void
  /** What came since the last time. */
  take(): string
  readonly gone: boolean
  /** Without a word. */
  vanish(): void
}

/** Of the mails that were changed or expunged; undefined: that cannot be known. */
export type Uids = readonly number[] | undefined

export interface World {
  /** `stored`: what a session asked for is on disk; told in the order in which it was done. */
  imap(thread: number, stored: (uids: Uids) => void): Promise<Wire>
  pop3(stored: () => void): Promise<Wire>
  /** By SMTP, into INBOX. `stored` is called in the moment in which it is there. Answers what stands before the content of the mail. */
  deliver(content: string, stored: (head: string, at: number) => void): Promise<void>
  /** Others have their turn. */
  turn(): Promise<void>
  /** Until all is done that was asked for, as far as that can be known. */
  settle(): Promise<void>
  /** ms since 1970 */
  readonly now: () => number
  /** Dates of mails are known to the ms, and what happens at the same time is told in its order. */
  readonly exact: boolean
  /** What the check of the storage finds. */
  close(): Promise<readonly string[]>
}

export const ACCOUNT = 'anna@home.test'
export const PASSWORD = 'secret'
/** Threads that sessions are on. */
export const THREADS = 2
