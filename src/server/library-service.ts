/** The handlers of a library's user as the service of an SMTP session. */
import type { Limits } from '../config/settings.ts'
import { formatAddress } from '../mail/address.ts'
import type { Envelope, Recipient } from '../mail/envelope.ts'
import type { Reply } from '../mail/reply.ts'
import type { Connection } from '../net/connection.ts'
import type { AuthFailures } from '../net/sources.ts'
import { REFUSALS } from '../policy/rules.ts'
import { replies } from '../smtp/replies.ts'
import type { Client, Context, Event, Question } from '../smtp/session.ts'
import { ACCEPT } from '../smtp/verdict.ts'
import { type BodyCollector, collectBody } from './body.ts'
import type { ReceiveBudget } from './collector.ts'
import type {
  AuthVerdict,
  Handlers,
  MailFrom,
  MessageVerdict,
  RcptTo,
  ServerOptions,
  ServerSession,
  Verdict,
} from './handlers.ts'
import type { SmtpService, SubmitEffect } from './smtp.ts'

export interface ServiceOptions {
  readonly options: ServerOptions
  readonly hostname: string
  readonly limits: Limits
  readonly startTls: () => boolean
  readonly failures: AuthFailures
  readonly budget: ReceiveBudget
  readonly now: () => number
}

/** ms that a handler may take: less than clients wait (RFC 5321 §4.5.3.2: 5 minutes for a command, 10 for the end of the content). */
const COMMAND_PATIENCE = 4 * 60_000
const MESSAGE_PATIENCE = 9 * 60_000

const ACCEPTED: Event = { on: 'verdict', verdict: ACCEPT }
const FAILED: Event = { on: 'verdict', verdict: { is: 'refuse', reply: replies.localError } }

/** For one connection; `closed` is called at its end. */
export function serviceOf(by: ServiceOptions) {
  const { options: handlers, limits, failures } = by
  const onAuth = handlers.protocol === 'lmtp' ? undefined : handlers.onAuth
  const context = {
    kind: handlers.protocol === 'lmtp' ? 'lmtp' : onAuth ? 'submission' : 'smtp',
    hostname: by.hostname,
    limits,
    tlsRequired: false,
    clearLogin: handlers.authInClear === true,
    loginRequired: onAuth !== undefined && handlers.authRequired !== false,
    longestHold: 0, // nothing is kept here
    now: by.now,
  } as const

  return (connection: Connection, closed: () => void): SmtpService<BodyCollector> => {
    const session = sessionOf(connection, by.now())
    let message: { readonly verdict: Promise<readonly MessageVerdict[] | MessageVerdict | void> } | undefined
    let announced: Extract<Question, { about: 'data' }> | undefined

    function failed(error: unknown): void {
      report(handlers, error, session)
    }

    /** The event for what a handler says; at once, where it says it at once. */
    function ask<Said>(run: () => Said | Promise<Said>, meaning: (said: Said) => Event): Event | Promise<Event> {
      try {
        const said = run()
        if (!(said instanceof Promise)) return meaning(said)
        return inTime(said, COMMAND_PATIENCE)
          .then(meaning)
          .catch((error: unknown) => {
            failed(error)
            return FAILED
          })
      } catch (error) {
        failed(error)
        return FAILED
      }
    }

    function answer(question: Question): Event | Promise<Event> {
      if ('client' in question) session.client = question.client
      switch (question.about) {
        case 'connect':
          return handlers.onConnect ? ask(() => handlers.onConnect?.(session.view), verdictEvent) : ACCEPTED
        case 'hello':
          return ACCEPTED
        case 'auth':
          return logIn(question)
        case 'mail': {
          const mail = { ...mailFrom(question.envelope), size: question.size }
          return handlers.onMail ? ask(() => handlers.onMail?.(mail, session.view), verdictEvent) : ACCEPTED
        }
        case 'rcpt': {
          const [to, mail] = [rcptTo(question.recipient), mailFrom(question.envelope)]
          return handlers.onRcpt ? ask(() => handlers.onRcpt?.(to, mail, session.view), verdictEvent) : ACCEPTED
        }
        case 'data':
          announced = question
          return ACCEPTED
      }
    }

    function logIn({ credentials }: Extract<Question, { about: 'auth' }>): Event | Promise<Event> {
      const { address } = connection.peer
      if (!onAuth || failures.count(address) >= limits.authFailures) {
        return { on: 'verdict', verdict: { is: 'refuse', reply: REFUSALS.tooManyFailures } }
      }
      const { user, password } = credentials
      return ask<AuthVerdict>(
        () => onAuth({ user, password }, session.view),
        said => {
          const { verdict } = authEvent(said)
          if (verdict.is === 'accept') return { on: 'authenticated', account: verdict.account ?? user }
          if (verdict.reply.code >= 500) failures.failed(address)
          return { on: 'verdict', verdict }
        },
      )
    }

    function collect(): BodyCollector {
      if (!announced) throw new Error('a content without a transaction')
      const { envelope, recipients } = announced
      const body = collectBody(by.budget)
      const incoming = { ...mailFrom(envelope), recipients: recipients.map(rcptTo), content: body.body }
      const verdict = (async () => handlers.onMessage(incoming, session.view))()
      message = { verdict }
      // Whoever reads no more lets the rest go by. A fault is told when the content is here, or not at all when it never comes.
      const release = (): void => body.release()
      verdict.then(release, release)
      return body
    }

    async function submit(effect: SubmitEffect, body: BodyCollector): Promise<readonly Reply[]> {
      const { client, recipients } = effect
      const count = client.protocol === 'LMTP' ? recipients.length : 1
      body.end()
      try {
        if (!message) throw new Error('a content without a handler')
        const said = await inTime(message.verdict, MESSAGE_PATIENCE)
        return messageReplies(said, count, client.protocol === 'LMTP')
      } catch (error) {
        body.release()
        failed(error)
        return Array.from({ length: count }, () => replies.localError)
      } finally {
        message = undefined
      }
    }

    return {
      context: { ...context, startTls: by.startTls() } satisfies Context,
      times: { idle: limits.idleTimeout, message: limits.messageTimeout, session: limits.sessionTimeout },
      answer,
      collect,
      submit,
      refused() {},
      closed() {
        closed()
        try {
          handlers.onClose?.(session.view)
        } catch (error) {
          failed(error)
        }
      },
    }
  }
}

interface LiveSession {
  client: Client | undefined
  readonly view: ServerSession
}

function sessionOf(connection: Connection, since: number): LiveSession {
  const { peer } = connection
  const live: LiveSession = {
    client: undefined,
    view: {
      remote: { address: peer.address, port: peer.port },
      local: peer.local,
      since,
      get protocol() {
        return live.client?.protocol
      },
      get helo() {
        return live.client?.name
      },
      get login() {
        return live.client?.login
      },
      get tls() {
        return connection.tls
      },
    },
  }
  return live
}

function report({ onError }: Pick<Handlers, 'onError'>, error: unknown, { view }: LiveSession): void {
  try {
    onError?.(error, view)
  } catch {
    // Nobody is left to hear of it.
  }
}

function mailFrom({ returnPath, body, smtputf8, ret, envid }: Envelope): MailFrom {
  return { from: returnPath === '<>' ? '' : formatAddress(returnPath), body, smtputf8, ret, envid }
}

function rcptTo({ address, notify, original }: Recipient): RcptTo {
  return { address: formatAddress(address), notify, original }
}

/** Rejects when it takes longer. */
async function inTime<Said>(said: Promise<Said>, ms: number): Promise<Said> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the handler took longer than ${ms / 1000} seconds`)), ms)
  })
  try {
    return await Promise.race([said, late])
  } finally {
    clearTimeout(timer)
  }
}

function verdictEvent(said: Verdict | void): Event {
  if (said === undefined || said.is === 'accept') return ACCEPTED
  return { on: 'verdict', verdict: { is: said.is === 'disconnect' ? 'disconnect' : 'refuse', reply: replyOf(said) } }
}

function authEvent(said: AuthVerdict): {
  readonly verdict:
    | { readonly is: 'accept'; readonly account?: string }
    | { readonly is: 'refuse' | 'disconnect'; readonly reply: Reply }
} {
  if (said.is === 'accept') return { verdict: said }
  return { verdict: { is: said.is === 'disconnect' ? 'disconnect' : 'refuse', reply: replyOf(said) } }
}

function messageReplies(
  said: MessageVerdict | readonly MessageVerdict[] | void,
  count: number,
  each: boolean,
): readonly Reply[] {
  if (isList(said)) {
    if (!each) throw new TypeError('onMessage gave a list of verdicts; only LMTP has one for each recipient')
    if (said.length !== count) throw new TypeError(`onMessage gave ${said.length} verdicts for ${count} recipients`)
    return said.map(messageReply)
  }
  const reply = messageReply(said ?? { is: 'accept' })
  return Array.from({ length: count }, () => reply)
}

function isList(said: MessageVerdict | readonly MessageVerdict[] | void): said is readonly MessageVerdict[] {
  return Array.isArray(said)
}

function messageReply(said: MessageVerdict): Reply {
  if (said.is === 'accept') return { code: 250, status: '2.0.0', text: lines(said.text ?? 'OK') }
  return replyOf(said)
}

/** The types say it already; who writes JavaScript hears it here. */
function replyOf({
  code,
  status,
  text,
}: {
  readonly code: number
  readonly status: string
  readonly text: string
}): Reply {
  if (!/^[45]\d\d$/.test(String(code)) || !/^[45]\.\d{1,3}\.\d{1,3}$/.test(status) || String(code)[0] !== status[0])
    throw new TypeError(`a verdict of ${code} ${status}: both must be 4 or both 5`)
  return { code, status, text: lines(text) }
}

/** RFC 5321 §4.5.3.1.5: 512 octets in a line of a reply; §4.2: printable ASCII. */
function lines(text: string): readonly string[] {
  return text.split(/\r\n|[\r\n]/, 50).map(line => line.replaceAll(/[^\t\u0020-\u007e]/g, '?').slice(0, 480))
}
