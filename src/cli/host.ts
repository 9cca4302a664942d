import { isIP } from 'node:net'
import { parseDomain } from '../mail/address.ts'
import { usage } from './access.ts'

/** 'host', 'host:port', '192.0.2.1:25', '[2001:db8::1]:25' or an IPv6 address alone. Throws CommandError. */
export function hostAndPort(text: string, defaultPort: number): { readonly host: string; readonly port: number } {
  if (isIP(text) === 6) return { host: text, port: defaultPort }
  const [, six, name, port = String(defaultPort)] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = six ?? name ?? ''
  const known = six === undefined ? isIP(host) === 4 || parseDomain(host) !== undefined : isIP(host) === 6
  if (known && Number(port) > 0 && Number(port) < 65_536) return { host, port: Number(port) }
  throw usage(`"${text}" is not a host; write it like mail.example.org:25 or [2001:db8::1]:25`)
}

/** What a port option takes. Throws CommandError. */
export function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65_536) return Number(text)
  throw usage(`"${text}" is not a port; those are 1 to 65535`)
}
