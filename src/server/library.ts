/**
 * The server for programs: the same machine, loop and listeners as the product's, with the user's handlers as the service. Nothing is stored
 * here: a content goes through to `onMessage` as it comes in, and whoever takes it answers for it.
 */
import { randomBytes } from 'node:crypto'
import { hostname as machineName } from 'node:os'
import type { SecureContext } from 'node:tls'
import { checkLimits } from '../config/schema.ts'
import type { Listener } from '../config/settings.ts'
import type { Connection, ConnectionHandler } from '../net/connection.ts'
import { type Listening, listen } from '../net/listen.ts'
import { selfSigned } from '../net/self-signed.ts'
import { createAuthFailures, createSources } from '../net/sources.ts'
import { createServerContext } from '../net/tls.ts'
import { encodeReply } from '../smtp/replies.ts'
import type { BodyCollector } from './body.ts'
import type { ServerOptions, ServerTls } from './handlers.ts'
import { serviceOf } from './library-service.ts'
import { SmtpLoop } from './smtp.ts'

/** A port (0: any that is free) and an address (default '127.0.0.1'; '0.0.0.0' and '::' are all), or a Unix socket. */
export type ListenOn = { readonly port: number; readonly host?: string } | { readonly path: string }

export interface MailServer {
  /** May be called for several places. Rejects with an error that has a `code` ('EADDRINUSE') when that place is not to be had. */
  listen(on: ListenOn): Promise<{ readonly address: string; readonly port: number }>
  /** From the next handshake on. Throws for a certificate that can't be used. */
  renewTls(tls: ServerTls): void
  /** Sessions that are open. */
  readonly sessions: number
  /** No new sessions; idle ones are told 421, messages under way get their answer. */
  close(): Promise<void>
}

/** ms */
const CLOSE_TIMEOUT = 10_000

/** Throws (a TypeError) for options that can't be: a wrong limit, a bad certificate, AUTH that nobody could use. */
export function createServer(options: ServerOptions): MailServer {
  const hostname = options.hostname ?? machineName()
  const limits = checkLimits(options.limits ?? {})
  let context = options.tls === undefined ? undefined : contextOf(options.tls, hostname)
  if (options.implicitTls && !context) throw new TypeError('implicitTls needs a certificate; give tls')
  if (hasAuth(options) && !context && !options.authInClear)
    throw new TypeError(
      'onAuth needs TLS, so that passwords are not sent in clear; give tls (or, in tests, authInClear)',
    )

  const sources = createSources(limits)
  const sessions = new Map<SmtpLoop<BodyCollector>, Connection>()
  const listening: Extract<Listening, { is: 'listening' }>[] = []
  const service = serviceOf({
    options,
    hostname,
    limits,
    startTls: () => context !== undefined && !options.implicitTls,
    failures: createAuthFailures(Date.now),
    budget: { limit: limits.receiveMemory, used: 0 },
    now: Date.now,
  })
  let closing: Promise<void> | undefined
  let gone: (() => void) | undefined

  function begin(connection: Connection): ConnectionHandler {
    const loop: SmtpLoop<BodyCollector> = new SmtpLoop(
      connection,
      service(connection, () => {
        sessions.delete(loop)
        if (sessions.size === 0) gone?.()
      }),
      Date.now,
    )
    sessions.set(loop, connection)
    loop.start()
    return loop
  }

  async function end(): Promise<void> {
    await Promise.all(listening.map(of => of.stop()))
    for (const loop of sessions.keys()) loop.shutdown()
    if (sessions.size === 0) return
    const late = setTimeout(() => {
      for (const connection of sessions.values()) connection.destroy()
    }, options.closeTimeout ?? CLOSE_TIMEOUT)
    await new Promise<void>(resolve => {
      gone = resolve
    })
    clearTimeout(late)
  }

  return {
    async listen(on) {
      const opened = await listen({
        listener: listenerOf(on, options),
        reusePort: false,
        secureContext: () => context,
        implicitTls: options.implicitTls === true,
        sources,
        refusal: encodeReply({ code: 421, status: '4.7.0', text: ['Too many connections; please try again later'] }),
        onConnection: begin,
      })
      if (opened.is === 'failed') throw Object.assign(new Error(opened.reason), { code: opened.code })
      listening.push(opened)
      return opened.address
    },
    renewTls(tls) {
      context = contextOf(tls, hostname)
    },
    get sessions() {
      return sessions.size
    },
    close: () => (closing ??= end()),
  }
}

function hasAuth(options: ServerOptions): boolean {
  return options.protocol !== 'lmtp' && options.onAuth !== undefined
}

function listenerOf(on: ListenOn, { protocol, proxyFrom = [] }: ServerOptions): Listener {
  const kind = protocol === 'lmtp' ? 'lmtp' : 'smtp'
  if ('path' in on) return { kind, on: 'unix', path: on.path, proxyFrom }
  return { kind, on: 'tcp', host: on.host ?? '127.0.0.1', port: on.port, proxyFrom }
}

function contextOf(tls: ServerTls, hostname: string): SecureContext {
  const { cert, key } = tls === 'self-signed' ? selfSigned(hostname) : tls
  const made = createServerContext({ cert, key, minVersion: 'TLSv1.2', ticketKeys: randomBytes(48) })
  if (made.is === 'failed') throw new TypeError(`the certificate cannot be used: ${made.reason}`)
  return made.context
}
