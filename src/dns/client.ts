import { type ReadValue, readAnswer, readMx, readName, readText } from './answer.ts'
import { type Exchange, type UnderWay, askTcp, askUdp } from './exchange.ts'
import { answerLocally, found, isLoopback, parseHosts, readSmallFile } from './hosts.ts'
import { type Question, RCODE, type RecordType, writeQuery } from './message.ts'
import { parseName, reverseName } from './name.ts'
import type { Answer, Mx, Resolver } from './resolver.ts'
import { type Server, parseResolvConf, parseServer } from './servers.ts'
import { createTurnstile } from './turnstile.ts'

/**
 * The real resolver: a stub (RFC 1034 §5.3.1) that asks recursive servers.
 *
 * 1. A name that can't exist, a special one (`localhost`) or one of the hosts file is answered here.
 * 2. The others are asked over UDP, and over TCP when the answer is truncated.
 * 3. A server that keeps silent is followed by the next; those that kept silent are asked again, with twice the patience, in the
 *    next round. A server that says SERVFAIL, REFUSED or nonsense has spoken, and is not asked again for this question.
 * 4. The first answer that means something is the answer; otherwise `failed` with the last reason.
 *
 * A server that kept silent comes last for half a minute, so that a dead one does not cost every question its time-out.
 */
export interface ResolverOptions {
  /** 'address', 'address:port' or '[::1]:53', in the order in which they are asked; empty: those of /etc/resolv.conf. */
  readonly servers: readonly string[]
  /** An unpredictable integer from 0 up to, but without, `below` (`crypto.randomInt`). RFC 5452 §9.2 */
  readonly random: (below: number) => number
  /** ms, never going back. */
  readonly clock: { readonly now: () => number }
  /** ms for an answer in the first round, twice that in the second and so on; default 2,000. */
  readonly timeout?: number
  /** Default 3. */
  readonly rounds?: number
  /** ms for a question in all; default 15,000. */
  readonly patience?: number
  /** Questions under way at the same time; default 256. Up to 40 times as many wait, further ones fail. */
  readonly concurrency?: number
  /** Default /etc/hosts; read once. */
  readonly hostsFile?: string
  /** Default /etc/resolv.conf; read once, and only without `servers`. */
  readonly resolvConf?: string
}

/** ms that a silent server comes after the others. */
const REST = 30_000

/** Throws on a text among `servers` that `parseServer` does not know: the configuration was to be checked before. */
export function createResolver(options: ResolverOptions): Resolver & { readonly close: () => void } {
  const { clock, random, timeout = 2_000, rounds = 3, patience = 15_000 } = options
  const servers = readServers(options)
  const hosts = parseHosts(readSmallFile(options.hostsFile ?? '/etc/hosts'))
  const underWay: UnderWay = new Set()
  const turnstile = createTurnstile(options.concurrency ?? 256)
  const restUntil = new Map<Server, number>()
  let closed = false

  async function ask<Value>(question: Question, read: ReadValue<Value>): Promise<Answer<Value>> {
    const until = clock.now() + patience
    if (!(await turnstile.enter())) return { is: 'failed', reason: 'too many questions' }
    try {
      return await askServers(question, read, until)
    } finally {
      turnstile.leave()
    }
  }

  async function askServers<Value>(question: Question, read: ReadValue<Value>, until: number): Promise<Answer<Value>> {
    let reason = 'no answer in time'
    let candidates = inOrder()
    for (let round = 0; round < rounds && candidates.length > 0; round++) {
      const silent: Server[] = []
      for (const server of candidates) {
        if (closed) return { is: 'failed', reason: 'closed' }
        if (clock.now() >= until) return { is: 'failed', reason }
        const exchange = await askServer(question, server, timeout * 2 ** round, until)
        const answer = readExchange(question, exchange, read, server)
        if (answer.is !== 'failed') return answer
        reason = `${answer.reason} (${server.address})`
        if (exchange.is === 'silent') silent.push(server)
      }
      candidates = silent
    }
    return { is: 'failed', reason }
  }

  async function askServer(question: Question, server: Server, ms: number, until: number): Promise<Exchange> {
    const patienceLeft = (): number => Math.max(1, Math.min(ms, until - clock.now()))
    const tryOnce = async (edns: boolean): Promise<Exchange> => {
      const query = writeQuery(random(0x10000), question, edns)
      const exchange = await askUdp(query, server, patienceLeft(), underWay)
      // RFC 7766 §5: truncated, so the same question over TCP
      const truncated = exchange.is === 'answered' && exchange.response.truncated
      return truncated ? askTcp(query, server, patienceLeft(), underWay) : exchange
    }
    const exchange = await tryOnce(true)
    if (exchange.is === 'silent') restUntil.set(server, clock.now() + REST)
    else restUntil.delete(server)
    // RFC 6891 §6.2.2: a server that does not know EDNS is asked without
    return dislikesEdns(exchange) ? tryOnce(false) : exchange
  }

  function inOrder(): readonly Server[] {
    const now = clock.now()
    const rests = (server: Server): boolean => (restUntil.get(server) ?? 0) > now
    return [...servers.filter(server => !rests(server)), ...servers.filter(rests)]
  }

  async function resolveText(type: RecordType, text: string): Promise<Answer<string>> {
    const name = parseName(text)
    if (name === undefined) return MISSING
    return answerLocally(name, type, hosts) ?? ask({ name, type }, readText)
  }

  return {
    async mx(domain): Promise<Answer<Mx>> {
      const name = parseName(domain)
      if (name === undefined) return MISSING
      const none = answerLocally(name, 'MX', hosts)
      if (none !== undefined && none.is !== 'found') return none
      const answer = await ask({ name, type: 'MX' }, readMx)
      if (answer.is !== 'found') return answer
      return { ...answer, records: [...answer.records].sort((a, b) => a.preference - b.preference) }
    },
    a: name => resolveText('A', name),
    aaaa: name => resolveText('AAAA', name),
    txt: name => resolveText('TXT', name),
    async ptr(address): Promise<Answer<string>> {
      if (isLoopback(address)) return found(['localhost'])
      const name = reverseName(address)
      return name === undefined ? MISSING : ask({ name, type: 'PTR' }, readName)
    },
    close(): void {
      closed = true
      for (const abandon of underWay) abandon()
    },
  }
}

const MISSING = { is: 'none', name: 'missing', authentic: false } as const

function readServers(options: ResolverOptions): readonly Server[] {
  if (options.servers.length === 0) return parseResolvConf(readSmallFile(options.resolvConf ?? '/etc/resolv.conf'))
  return options.servers.map(text => {
    const server = parseServer(text)
    if (server === undefined) throw new Error(`Not the address of a DNS server: ${text}`)
    return server
  })
}

function readExchange<Value>(
  question: Question,
  exchange: Exchange,
  read: ReadValue<Value>,
  server: Server,
): Answer<Value> {
  switch (exchange.is) {
    case 'answered':
      return readAnswer(question, exchange.response, read, server.trusted)
    case 'silent':
      return { is: 'failed', reason: exchange.reason }
    case 'malformed':
      return { is: 'failed', reason: 'malformed answer' }
  }
}

function dislikesEdns(exchange: Exchange): boolean {
  if (exchange.is !== 'answered') return false
  return exchange.response.rcode === RCODE.formErr || exchange.response.rcode === RCODE.notImp
}
