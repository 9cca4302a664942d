import type { TlsPolicy } from '../config/settings.ts'
import type { Door, Doors, Target } from './attempt.ts'
import { type Host, type Hosts, resolveMx, type Surroundings } from './hosts.ts'

/** RFC 5321 §5: the hosts that DNS names for the domain. */
export function mxTarget(
  domain: string,
  route: { readonly tls: TlsPolicy; readonly port: number },
  name: string,
  concurrency: number,
  around: Surroundings,
): Target {
  return {
    key: `mx:${domain}:${route.port}:${route.tls}`,
    settings: { protocol: 'smtp', name, tls: route.tls, auth: undefined },
    concurrency,
    doors: async () => doorsOf(await resolveMx(domain, around), route.port),
  }
}

/** Each address with the port. */
export function doorsOf(hosts: Hosts, port: number): Doors {
  return hosts.is === 'found' ? { is: 'found', doors: hosts.hosts.map(host => doorOf(host, port)) } : hosts
}

function doorOf({ name, address }: Host, port: number): Door {
  // RFC 5321 §4.1.3: a literal's certificate is for the address.
  const servername = name.startsWith('[') ? address : name
  return { where: { address, port }, name: servername, to: `${servername} [${address}]:${port}` }
}
