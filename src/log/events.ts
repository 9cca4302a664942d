import type { Reply } from '../mail/reply.ts'
import { formatId, type Id } from '../mail/id.ts'

/**
 * Everything that happens to a message and every refusal, as a value. An event is written once, as one JSON line, into the timeline
 * of its subject (a message or a session) and into the log. Secrets never stand in one.
 */
export type Event =
  | {
      readonly event: 'accepted'
      readonly message: Id
      readonly session: Id
      readonly from: string
      readonly to: readonly string[]
      readonly size: number
      readonly messageId: string | undefined
      readonly client: ClientFacts
    }
  | {
      readonly event: 'refused'
      readonly session: Id
      readonly at: string
      readonly reply: Reply
      readonly client: ClientFacts
      readonly detail: Details
    }
  /** An alias or catch-all made others of a recipient. */
  | { readonly event: 'expanded'; readonly message: Id; readonly recipient: string; readonly to: readonly string[] }
  | {
      readonly event: 'delivered'
      readonly message: Id
      readonly recipient: string
      readonly to: string
      readonly reply: Reply | undefined
      readonly attempts: number
    }
  | {
      readonly event: 'deferred'
      readonly message: Id
      readonly recipient: string
      readonly to: string | undefined
      readonly status: string
      readonly reason: string
      readonly reply: Reply | undefined
      readonly attempts: number
      /** ms since 1970; undefined: when its destination is tried again. */
      readonly next: number | undefined
    }
  | {
      readonly event: 'bounced'
      readonly message: Id
      readonly recipient: string
      readonly to: string | undefined
      readonly status: string
      readonly reason: string
      readonly reply: Reply | undefined
      readonly attempts: number
    }
  /** A report to the sender was queued, or there is nobody to send it to. */
  | {
      readonly event: 'reported'
      readonly message: Id
      readonly action: string
      readonly recipients: readonly string[]
      readonly report: Id | undefined
      readonly reason?: string
    }
  /** The report itself. */
  | {
      readonly event: 'report'
      readonly message: Id
      readonly about: Id
      readonly to: string
      readonly action: string
      readonly size: number
    }
  | {
      readonly event: 'destination-delayed'
      readonly message: Id
      readonly destination: string
      readonly reason: string
      readonly until: number
    }
  /** A row that can't be understood; it is held, and the rest goes on. */
  | { readonly event: 'damaged'; readonly message: Id; readonly reason: string }
  | { readonly event: 'logged-in'; readonly session: Id; readonly login: string; readonly client: ClientFacts }

export interface ClientFacts {
  readonly address: string
  readonly helo: string | undefined
  readonly login: string | undefined
  readonly tls: string | undefined
  /** The kind of listener. */
  readonly via: string
}

/** What more is known at a refusal. */
export interface Details {
  readonly from?: string
  readonly to?: string
}

const WARN: ReadonlySet<Event['event']> = new Set(['refused', 'deferred', 'bounced', 'destination-delayed', 'damaged'])

/** One JSON line, in the shape of pino: level, time (ms since 1970), and the event; ids as people see them, replies as they were said. */
export function eventLine(time: number, event: Event): string {
  const fields: Record<string, unknown> = { level: WARN.has(event.event) ? 40 : 30, time, ...event }
  for (const key of IDS) {
    const id = fields[key]
    if (typeof id === 'number') fields[key] = formatId(id)
  }
  if ('reply' in event && event.reply !== undefined) fields['reply'] = replyText(event.reply)
  return JSON.stringify(fields)
}

const IDS = ['message', 'session', 'report', 'about'] as const

/** '550 5.1.1 No such user here' in one line. */
export function replyText({ code, status, text }: Reply): string {
  return [String(code), ...(status === undefined ? [] : [status]), ...text].join(' ')
}
