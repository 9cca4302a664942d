/** One command line of RFC 1939 §5 to §7 and its extensions, as the command that it is. */
import { type Reply, replies } from './replies.ts'

export type Command =
  | { readonly verb: Plain }
  /** Not prepared yet (RFC 4013). */
  | { readonly verb: 'USER'; readonly name: string }
  | { readonly verb: 'PASS'; readonly password: string }
  /** `initial` as sent, in base64. */
  | { readonly verb: 'AUTH'; readonly mechanism: string; readonly initial: string | undefined }
  /** undefined: of all messages. */
  | { readonly verb: 'LIST' | 'UIDL'; readonly n: number | undefined }
  | { readonly verb: 'RETR' | 'DELE'; readonly n: number }
  | { readonly verb: 'TOP'; readonly n: number; readonly lines: number }
  /** The first line of another protocol's request. */
  | { readonly verb: 'foreign' }
  | Malformed

export interface Malformed {
  readonly verb: 'malformed'
  /** What it deserves. */
  readonly reply: Reply
}

type Plain = 'CAPA' | 'STLS' | 'UTF8' | 'STAT' | 'NOOP' | 'RSET' | 'QUIT'

/** RFC 2449 §4: octets, with CRLF. */
const MAX_COMMAND = 255
/** Those whose argument has a bound of its own in `sasl/`: names and passwords may be longer, and RFC 5034 §4 allows AUTH 12288 octets. */
const LONGER: ReadonlySet<string> = new Set(['USER', 'PASS', 'AUTH'])
const MAX_MECHANISM = 20 // RFC 4422 §3.1
const NUMBER = /^\d{1,10}$/
const CONTROL = /[\0-\x1f\x7f]/
const FOREIGN = /^(?:GET|POST|PUT|HEAD|OPTIONS|DELETE|CONNECT|PRI) |^(?:EHLO|HELO) /

/** `line`: without CRLF. What cannot be understood becomes `malformed`, with the reply that it deserves. */
export function parseCommand(line: string): Command {
  const space = line.indexOf(' ')
  const verb = (space === -1 ? line : line.slice(0, space)).toUpperCase() // RFC 1939 §3: in any case
  const rest = space === -1 ? '' : line.slice(space + 1)
  if (!LONGER.has(verb) && Buffer.byteLength(line) > MAX_COMMAND - 2) return malformed(replies.overlong)
  if (CONTROL.test(line)) return malformed(replies.control)
  if (verb === 'PASS') return { verb, password: rest } // RFC 1939 §7: spaces may be part of it
  const argument = rest.trim()
  switch (verb) {
    case 'CAPA':
    case 'STLS':
    case 'UTF8':
    case 'STAT':
    case 'NOOP':
    case 'RSET':
    case 'QUIT':
      return argument === '' ? { verb } : malformed(replies.noArgument)
    case 'USER':
      return argument === '' ? malformed(replies.needsArgument) : { verb, name: argument }
    case 'AUTH':
      return parseAuth(argument)
    case 'LIST':
    case 'UIDL':
      if (argument === '') return { verb, n: undefined }
      return NUMBER.test(argument) ? { verb, n: Number(argument) } : malformed(replies.needsNumber)
    case 'RETR':
    case 'DELE':
      return NUMBER.test(argument) ? { verb, n: Number(argument) } : malformed(replies.needsNumber)
    case 'TOP':
      return parseTop(argument)
    default:
      return FOREIGN.test(line) ? { verb: 'foreign' } : malformed(replies.unknown)
  }
}

function malformed(reply: Reply): Malformed {
  return { verb: 'malformed', reply }
}

/** RFC 1939 §7: TOP msg n */
function parseTop(argument: string): Command {
  const [n = '', lines = '', ...others] = argument.split(/ +/, 3)
  if (!NUMBER.test(n) || !NUMBER.test(lines) || others.length > 0) return malformed(replies.needsNumbers)
  return { verb: 'TOP', n: Number(n), lines: Number(lines) }
}

/** RFC 5034 §4: AUTH mechanism [initial-response] */
function parseAuth(argument: string): Command {
  const [mechanism = '', initial, ...others] = argument.split(' ', 3)
  if (mechanism === '') return malformed(replies.needsArgument)
  if (others.length > 0) return malformed(replies.badBase64)
  if (mechanism.length > MAX_MECHANISM) return malformed(replies.noMechanism)
  return { verb: 'AUTH', mechanism, initial }
}
