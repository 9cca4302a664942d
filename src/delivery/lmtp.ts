import type { Route } from '../config/settings.ts'
import type { Target } from './attempt.ts'
import { resolveHost, type Surroundings } from './hosts.ts'
import { doorsOf } from './mx.ts'

/** RFC 2033: a mailbox server, over TCP or a Unix socket, that answers for each recipient. §5: in the own network, so without TLS. */
export function lmtpTarget(
  to: (Route & { via: 'lmtp' })['to'],
  name: string,
  concurrency: number,
  around: Pick<Surroundings, 'resolver'>,
): Target {
  const settings = { protocol: 'lmtp', name, tls: 'none', auth: undefined } as const
  if ('path' in to) {
    const { path } = to
    const door = { where: { path }, name: 'localhost', to: path }
    return { key: `lmtp:${path}`, settings, concurrency, doors: async () => ({ is: 'found', doors: [door] }) }
  }
  const { host, port } = to
  return {
    key: `lmtp:${host}:${port}`,
    settings,
    concurrency,
    doors: async () => doorsOf(await resolveHost(host, around), port),
  }
}
