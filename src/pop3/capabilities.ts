import { MECHANISMS } from '../sasl/mechanism.ts'
import type { Context, Link } from './session.ts'

/** What may be said in this session about who it is. */
export function mayLogIn({ clearLogin }: Context, { tls }: Link): boolean {
  return tls || clearLogin
}

/** RFC 2449 §5: what CAPA tells. Nothing that does not work in this state, or would work only after STLS. */
export function capabilities(context: Context, link: Link, at: 'authorization' | 'transaction'): string[] {
  const before = at === 'authorization'
  return [
    'TOP', // RFC 2449 §6.1
    ...(before && mayLogIn(context, link) ? ['USER', `SASL ${MECHANISMS.join(' ')}`] : []), // RFC 2449 §6.2, RFC 5034 §3
    'RESP-CODES', // RFC 2449 §6.4
    'AUTH-RESP-CODE', // RFC 3206 §6
    'PIPELINING', // RFC 2449 §6.6
    'EXPIRE NEVER', // RFC 2449 §6.7
    'UIDL', // RFC 2449 §6.8
    ...(before && context.startTls && !link.tls ? ['STLS'] : []), // RFC 2595 §4
    'UTF8 USER', // RFC 6856 §2.1: names and passwords too
    ...(before ? [] : ['IMPLEMENTATION Staffetta']), // RFC 2449 §6.9: not before the login, where it helps an attacker only
  ]
}
