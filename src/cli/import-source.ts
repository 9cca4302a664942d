/** Where mail is imported from, as all kinds of sources show it. */
import type { Flags } from '../mail/flags.ts'

export interface SourceMailbox {
  /** Its name there, level by level. */
  readonly levels: readonly string[]
  /** RFC 6154, where the source says it: `\Sent`. */
  readonly specialUse: string | undefined
  /** In their order there. `wanted`: whether the message of that key has to be imported; where it has, its content is fetched. */
  messages(wanted: (key: string) => boolean): AsyncIterable<SourceMessage>
}

export interface SourceMessage {
  /** For people, where it cannot be imported. */
  readonly where: string
  /** What it is known by there; undefined: by its content. */
  readonly key: string | undefined
  /** ms since 1970: INTERNALDATE; undefined: nothing says it. */
  readonly at: number | undefined
  /** undefined: nothing says them, but perhaps its header. */
  readonly flags: Flags | undefined
  /** Whether fields that programs write into mbox files are taken out of its header. */
  readonly statusFields: 'strip' | 'keep'
  /** Read once, before the next message is asked for. Rejects when it can't be read. */
  parts(): AsyncIterable<Uint8Array>
}
