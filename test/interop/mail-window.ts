/** A mail client that a person sits at, with the same face for each: what they do with it, step by step. */
import type { Certificate } from './recorder.ts'
import type { Screen } from './screen.ts'

/** What somebody who sets an account up is told. Both ports are of the loopback address and speak TLS at once. */
export interface MailAccount {
  readonly address: string
  readonly name: string
  readonly password: string
  readonly imap: number
  readonly submission: number
  readonly certificate: Certificate
}

export interface MailWindow {
  /** The account is set up and its mailboxes are there. */
  readonly open: () => Promise<void>
  /** Shows the mail in INBOX that was not read yet. */
  readonly show: (uid: number) => Promise<void>
  /** Answers it; the text stands below what is quoted, and the window stays open. */
  readonly reply: (text: string) => Promise<void>
  readonly send: () => Promise<void>
  /** As a person ends it: sessions are logged out. */
  readonly quit: () => Promise<void>
  /** Whatever state it is in. */
  readonly stop: () => Promise<unknown>
}

/** `folder`: is empty; all that the program keeps is in it. */
export type OpenMailWindow = (screen: Screen, account: MailAccount, folder: string) => Promise<MailWindow>
