import type { Route } from '../config/settings.ts'
import type { Target } from './attempt.ts'
import { resolveHost, type Surroundings } from './hosts.ts'
import { doorsOf } from './mx.ts'

/** A host that the configuration names (a smarthost), by name or address. Its MX records are not asked for. */
export function relayTarget(
  route: Pick<Route & { via: 'relay' }, 'host' | 'port' | 'tls' | 'auth'>,
  name: string,
  concurrency: number,
  around: Pick<Surroundings, 'resolver'>,
): Target {
  const { host, port, tls, auth } = route
  return {
    // The password is no part of the key: it changes only with the configuration.
    key: `relay:${host}:${port}:${tls}:${auth?.user ?? ''}`,
    settings: { protocol: 'smtp', name, tls, auth },
    concurrency,
    doors: async () => doorsOf(await resolveHost(host, around), port),
  }
}
