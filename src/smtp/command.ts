/** One command line of RFC 5321 §4.1.1 and its extensions, as the command that it is. */
import { type Path, readPath } from '../mail/address.ts'
import type { ReversePath } from '../mail/envelope.ts'
import { type MailParameters, type RcptParameters, readMailParameters, readRcptParameters } from './parameters.ts'
import { type OwnReply, replies } from './replies.ts'
import type { Chunk } from './session.ts'

export type Command =
  | { readonly verb: 'EHLO' | 'HELO' | 'LHLO'; readonly name: string }
  | { readonly verb: 'MAIL'; readonly returnPath: ReversePath; readonly parameters: MailParameters }
  | {
      readonly verb: 'RCPT'
      readonly path: Exclude<Path, '<>'>
      readonly parameters: RcptParameters
      /** False: only right in a transaction with SMTPUTF8. */
      readonly ascii: boolean
    }
  /** undefined: not to be understood, so nobody knows where the next command starts. */
  | { readonly verb: 'BDAT'; readonly chunk: Chunk | undefined }
  /** `initial` as sent, in base64. */
  | { readonly verb: 'AUTH'; readonly mechanism: string; readonly initial: string | undefined }
  | { readonly verb: Plain }
  /** The first line of another protocol's request. */
  | { readonly verb: 'foreign' }
  | Malformed

export interface Malformed {
  readonly verb: 'malformed'
  /** What it deserves. */
  readonly reply: OwnReply
}

/** Whatever may follow them has no meaning to us. */
type Plain = 'DATA' | 'RSET' | 'STARTTLS' | 'QUIT' | 'NOOP' | 'HELP' | 'VRFY' | 'EXPN'

const MAX_COMMAND = 2048 // octets, without CRLF; RFC 5321 §4.5.3.1.4: at least 512, and what the extensions add
const MAX_MECHANISM = 20 // RFC 4422 §3.1
const MAX_CHUNK_DIGITS = 15 // what a number holds exactly
const NON_ASCII = /[^\0-\x7f]/
const CONTROL = /[\0-\x1f\x7f]/
// RFC 5321 §4.1.3 and what programs on badly named hosts say; nothing that could break a Received field.
const HELLO_NAME = /^[\w.:[\]%-]{1,255}$/
const FOREIGN =
  /^(?:GET|POST|PUT|HEAD|OPTIONS|DELETE|CONNECT|PRI) \S+ HTTP\/|^(?:GET|POST|PUT|HEAD|OPTIONS|DELETE|CONNECT) /

/** `line`: without CRLF. What cannot be understood becomes `malformed`, with the reply that it deserves. */
export function parseCommand(line: string): Command {
  const text = line.replace(/[ \t]+$/, '') // RFC 5321 §4.1.1: white space before CRLF is tolerated
  const space = text.indexOf(' ')
  const verb = (space === -1 ? text : text.slice(0, space)).toUpperCase()
  if (verb !== 'AUTH' && isOverlong(text)) return malformed(replies.overlong) // RFC 4954 §4: AUTH may be longer
  if (CONTROL.test(text)) return malformed(replies.control)
  const argument = space === -1 ? '' : text.slice(space + 1)
  switch (verb) {
    case 'MAIL':
      return parseMail(argument)
    case 'RCPT':
      return parseRcpt(argument)
    case 'BDAT':
      return { verb, chunk: parseChunk(argument) }
    case 'EHLO':
    case 'HELO':
    case 'LHLO':
      return HELLO_NAME.test(argument.trimStart()) ? { verb, name: argument.trimStart() } : malformed(replies.badName)
    case 'DATA':
    case 'RSET':
    case 'STARTTLS':
    case 'QUIT':
      return argument === '' ? { verb } : malformed(replies.noArgument)
    case 'NOOP':
    case 'HELP':
      return { verb }
    case 'VRFY':
    case 'EXPN':
      return argument === '' ? malformed(replies.needsArgument) : { verb }
    case 'AUTH':
      return parseAuth(argument)
    case 'TURN': // RFC 5321 appendix F
    case 'ETRN':
    case 'SEND':
    case 'SOML':
    case 'SAML':
      return malformed(replies.notHere)
    default:
      return FOREIGN.test(text) ? { verb: 'foreign' } : malformed(replies.unknown)
  }
}

function malformed(reply: OwnReply): Malformed {
  return { verb: 'malformed', reply }
}

function isOverlong(text: string): boolean {
  return text.length * 3 > MAX_COMMAND && Buffer.byteLength(text) > MAX_COMMAND
}

/** RFC 5321 §4.1.1.2: "FROM:" Reverse-path [SP Mail-parameters]. A space after the colon is wrong there, and common. */
function parseMail(argument: string): Command {
  if (!/^FROM:/i.test(argument)) return malformed(replies.badSender)
  const at = argument[5] === ' ' ? 6 : 5
  const read = readPath(argument, at, { smtputf8: true })
  if (read === undefined || read.path === 'postmaster') return malformed(replies.badSender)
  if (read.end < argument.length && argument[read.end] !== ' ') return malformed(replies.badSender)
  const parameters = readMailParameters(argument.slice(read.end))
  if ('code' in parameters) return malformed(parameters)
  if (!parameters.smtputf8 && NON_ASCII.test(argument)) return malformed(replies.senderNeedsUtf8) // RFC 6531 §3.5
  return { verb: 'MAIL', returnPath: read.path, parameters }
}

/** RFC 5321 §4.1.1.3: "TO:" Forward-path [SP Rcpt-parameters] */
function parseRcpt(argument: string): Command {
  if (!/^TO:/i.test(argument)) return malformed(replies.badRecipient)
  const at = argument[3] === ' ' ? 4 : 3
  const read = readPath(argument, at, { smtputf8: true })
  if (read === undefined || read.path === '<>') return malformed(replies.badRecipient)
  if (read.end < argument.length && argument[read.end] !== ' ') return malformed(replies.badRecipient)
  const parameters = readRcptParameters(argument.slice(read.end))
  if ('code' in parameters) return malformed(parameters)
  return { verb: 'RCPT', path: read.path, parameters, ascii: !NON_ASCII.test(argument) }
}

/** RFC 3030 §2: chunk-size [SP "LAST"] */
function parseChunk(argument: string): Chunk | undefined {
  const match = /^(\d+)( +LAST)?$/i.exec(argument)
  const digits = match?.[1]
  if (digits === undefined || digits.length > MAX_CHUNK_DIGITS) return undefined
  return { size: Number(digits), last: match?.[2] !== undefined }
}

/** RFC 4954 §4: mechanism [SP initial-response] */
function parseAuth(argument: string): Command {
  const [mechanism = '', initial, ...rest] = argument.split(' ', 3)
  if (mechanism === '' || rest.length > 0)
    return malformed(mechanism === '' ? replies.needsArgument : replies.badBase64)
  if (mechanism.length > MAX_MECHANISM) return malformed(replies.noMechanism)
  return { verb: 'AUTH', mechanism, initial }
}
