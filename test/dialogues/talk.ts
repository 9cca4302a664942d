/**
 * The server machine in conversation without sockets: bytes in, bytes out, and whatever policy the test wants. It performs
 * effects as `server/smtp.ts` does, but at once and in memory.
 */
import assert from 'node:assert/strict'
import { formatAddress } from '../../src/mail/address.ts'
import type { Recipient, ReversePath } from '../../src/mail/envelope.ts'
import { ChunkScanner } from '../../src/smtp/chunk.ts'
import { DataScanner } from '../../src/smtp/data.ts'
import { cutLine, newLineCutter } from '../../src/mail/line.ts'
import { encodeReply, queued, queuedFor } from '../../src/smtp/replies.ts'
import type { Reply } from '../../src/mail/reply.ts'
import { NEW_SESSION, step, takesLine } from '../../src/smtp/server.ts'
import type { Context, Effect, Event, Question, Session } from '../../src/smtp/session.ts'
import { ACCEPT, type Verdict } from '../../src/smtp/verdict.ts'

type Submission = Extract<Effect, { readonly do: 'submit' }> & { readonly content: string }

export interface Talk {
  /** Takes what the client sends, in whatever pieces. */
  send(bytes: Buffer): void
  happen(event: Event): void
  /** What was said since the last call. */
  heard(): string
  readonly submissions: readonly Submission[]
  session(): Session
}

export interface Rules {
  readonly context: Context
  readonly tls: boolean
  readonly verdict: (question: Question) => Verdict
  /** The account; undefined: wrong. */
  readonly login: (user: string, password: string) => string | undefined
  /** What becomes of a recipient's message; undefined: queued. */
  readonly submit: (recipient: Recipient) => Reply | undefined
}

/** By which the settings of a dialogue name a question: `rcpt nobody@example.org`. */
export function questionKey(question: Question): string {
  if (question.about === 'mail') return `mail ${pathText(question.envelope.returnPath)}`
  if (question.about === 'rcpt') return `rcpt ${formatAddress(question.recipient.address)}`
  if (question.about === 'hello') return `hello ${question.client.name}`
  return question.about
}

export function pathText(path: ReversePath): string {
  return path === '<>' ? path : formatAddress(path)
}

export const ALL_WELL: Omit<Rules, 'context'> = {
  tls: false,
  verdict: () => ACCEPT,
  login: (user, password) => (password === 'secret' ? `${user}-account` : undefined),
  submit: () => undefined,
}

export function newTalk(rules: Rules): Talk {
  const { context } = rules
  const cutter = newLineCutter()
  let session = NEW_SESSION
  let said = ''
  let input = Buffer.alloc(0)
  let skip = 0
  let content: Buffer[] = []
  let reading: DataScanner | ChunkScanner | undefined
  let chunks: ChunkScanner | undefined
  const submissions: Submission[] = []
  const keep = (part: Buffer): void => void content.push(Buffer.from(part))

  const forget = (): void => {
    content = []
    chunks = undefined
  }
  const happen = (event: Event): void => {
    const { next, effects } = step(session, event, context)
    session = next
    for (const effect of effects) perform(effect)
  }
  const ask = (question: Question): void => {
    const verdict = rules.verdict(question)
    if (question.about !== 'auth' || verdict.is !== 'accept') return happen({ on: 'verdict', verdict })
    const { user, password } = question.credentials
    happen({ on: 'authenticated', account: rules.login(user, password) })
  }
  const submit = (effect: Extract<Effect, { readonly do: 'submit' }>): void => {
    submissions.push({ ...effect, content: Buffer.concat(content).toString('latin1') })
    forget()
    const id = `m${submissions.length}`
    const each = effect.recipients.map(
      recipient => rules.submit(recipient) ?? queuedFor(id, formatAddress(recipient.address)),
    )
    happen({ on: 'submitted', replies: context.kind === 'lmtp' ? each : [queued(id)] })
  }
  const perform = (effect: Effect): void => {
    switch (effect.do) {
      case 'reply':
        said += encodeReply(effect.reply)
        break
      case 'ask':
        ask(effect.question)
        break
      case 'receive':
        if (effect.how === 'data') {
          reading = new DataScanner(effect.limit, keep)
        } else {
          reading = chunks ??= new ChunkScanner(effect.limit, effect.body, keep)
          chunks.begin(effect.chunk.size, effect.chunk.last)
        }
        break
      case 'discard':
        skip += effect.size
        break
      case 'forget':
        forget()
        break
      case 'submit':
        submit(effect)
        break
      case 'start-tls':
        input = Buffer.alloc(0)
        happen({ on: 'secured' })
        break
      case 'close':
        input = Buffer.alloc(0)
        break
    }
  }
  const read = (scanner: DataScanner | ChunkScanner): boolean => {
    const before = scanner.size
    const end = scanner.feed(input)
    input = end === -1 ? Buffer.alloc(0) : input.subarray(end)
    if (end === -1) return false
    reading = undefined
    const { fault } = scanner
    happen(fault === undefined ? { on: 'content', size: scanner.size - before } : { on: 'content-refused', fault })
    return true
  }
  const turn = (): boolean => {
    if (reading !== undefined) return read(reading)
    if (skip > 0) {
      const skipped = Math.min(skip, input.length)
      skip -= skipped
      input = input.subarray(skipped)
      return skip === 0
    }
    if (session.at === 'closed' || input.length === 0) return false
    assert.ok(takesLine(session), `nothing is awaited at ${session.at}`)
    const cut = cutLine(cutter, input, 0)
    input = cut === undefined ? Buffer.alloc(0) : input.subarray(cut.end)
    if (cut === undefined) return false
    happen({ on: 'line', line: cut.line })
    return true
  }

  happen({ on: 'connected', tls: rules.tls })
  return {
    send(bytes) {
      input = Buffer.concat([input, bytes])
      while (turn());
    },
    happen,
    heard() {
      const text = said
      said = ''
      return text
    },
    submissions,
    session: () => session,
  }
}

export const CONTEXT: Context = {
  kind: 'smtp',
  hostname: 'mx.example.org',
  limits: { messageSize: 1000, recipients: 3, messagesPerSession: 3, errors: 10, idleCommands: 10 },
  startTls: true,
  tlsRequired: false,
  clearLogin: false,
  loginRequired: false,
  longestHold: 0,
  now: () => Date.UTC(2026, 0, 1),
}

/** `550 5.1.1 No such user` */
export function parseReply(line: string): Reply {
  const match = /^(\d{3}) (?:(\d\.\d+\.\d+) )?(.*)$/.exec(line)
  assert.ok(match !== null, `not a reply: ${line}`)
  return { code: Number(match[1]), status: match[2], text: [match[3] ?? ''] }
}
