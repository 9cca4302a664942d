/**
 * Everything the SMTP and LMTP server says of its own accord, in the order of a session. What policy says comes from
 * policy; what peers said is parsed by `reply-parser.ts`. A row whose code and status disagree does not compile.
 */
import type { Reply } from '../mail/reply.ts'

type Text = readonly [string, ...string[]]

/** RFC 3463 §2: the class of the status is the first digit of the code. */
export type OwnReply =
  | { readonly code: Positive; readonly status: `2.${number}.${number}` | undefined; readonly text: Text }
  | { readonly code: 334 | 354; readonly status: undefined; readonly text: Text }
  | { readonly code: Transient; readonly status: `4.${number}.${number}`; readonly text: Text }
  | { readonly code: Permanent; readonly status: `5.${number}.${number}`; readonly text: Text }
type Positive = 211 | 214 | 220 | 221 | 235 | 250 | 252
type Transient = 421 | 450 | 451 | 452 | 454
type Permanent = 500 | 501 | 502 | 503 | 504 | 530 | 535 | 538 | 550 | 552 | 553 | 554 | 555

export const replies = {
  // The connection, and what may end it at any time.
  unwelcome: { code: 503, status: '5.5.1', text: ['This connection was refused; QUIT is all that is left to say'] }, // RFC 5321 §3.1
  goodbye: { code: 221, status: '2.0.0', text: ['Goodbye'] }, // RFC 5321 §4.1.1.10
  timeout: { code: 421, status: '4.4.2', text: ['Nothing was heard for too long; please connect again'] }, // RFC 5321 §4.5.3.2
  shutdown: { code: 421, status: '4.3.2', text: ['The server is being restarted; please try again in a moment'] }, // RFC 5321 §3.8
  tooManyErrors: {
    code: 421,
    status: '4.7.0',
    text: ['Too many commands were refused; please check the client and connect again'],
  },
  tooIdle: {
    code: 421,
    status: '4.7.0',
    text: ['Too many commands without a message; please connect again when there is mail'],
  },
  enoughMessages: {
    code: 421,
    status: '4.7.0',
    text: ['That was the last message of this session; please connect again for more'],
  },
  notSmtp: { code: 554, status: '5.5.1', text: ['This is a mail server, and that is not SMTP'] },

  // Lines and commands.
  overlong: { code: 500, status: '5.5.2', text: ['The line is too long'] }, // RFC 5321 §4.5.3.1.9
  bareNewline: { code: 500, status: '5.5.2', text: ['A line ends with CRLF; there was a CR or an LF alone'] }, // RFC 5321 §2.3.8
  notUtf8: { code: 500, status: '5.5.2', text: ['A command is written in ASCII, or with SMTPUTF8 in UTF-8'] }, // RFC 6531 §3.1
  control: { code: 500, status: '5.5.2', text: ['There are control characters in the command'] }, // RFC 5321 §4.1.2
  unknown: { code: 500, status: '5.5.2', text: ['There is no such command; HELP lists those that there are'] }, // RFC 5321 §4.2.4
  notHere: { code: 502, status: '5.5.1', text: ['That command is not available here; HELP lists those that are'] }, // RFC 5321 §4.2.4
  noArgument: { code: 501, status: '5.5.4', text: ['That command takes no argument'] }, // RFC 5321 §4.1.1
  needsArgument: { code: 501, status: '5.5.4', text: ['That command needs an argument'] },

  // Hello.
  badName: {
    code: 501,
    status: '5.5.4',
    text: ['After EHLO goes a host name like mail.example.org, or an address like [192.0.2.1]'],
  }, // RFC 5321 §4.1.1.1
  lhloOnly: { code: 500, status: '5.5.1', text: ['This is LMTP; please start with LHLO'] }, // RFC 2033 §4.1
  noLhlo: { code: 500, status: '5.5.1', text: ['This is SMTP; please start with EHLO'] },
  helloFirst: { code: 503, status: '5.5.1', text: ['Please say hello first, with EHLO'] }, // RFC 5321 §4.1.4
  lhloFirst: { code: 503, status: '5.5.1', text: ['Please say hello first, with LHLO'] }, // RFC 2033 §4.1

  // STARTTLS.
  startTls: { code: 220, status: '2.0.0', text: ['Ready to start TLS'] }, // RFC 3207 §4
  tlsIsOn: { code: 503, status: '5.5.1', text: ['TLS is on already'] },
  tlsFirst: { code: 530, status: '5.7.0', text: ['Please start TLS first, with STARTTLS'] }, // RFC 3207 §4

  // AUTH.
  authenticated: { code: 235, status: '2.7.0', text: ['Logged in'] }, // RFC 4954 §6
  authElsewhere: {
    code: 502,
    status: '5.5.1',
    text: ['Nobody logs in here; to send mail as a user connect to port 587 or 465'],
  },
  authTwice: { code: 503, status: '5.5.1', text: ['You are logged in already'] }, // RFC 4954 §4
  authInMail: { code: 503, status: '5.5.1', text: ['AUTH is not possible within a transaction; RSET ends it'] }, // RFC 4954 §4
  authNeedsTls: {
    code: 538,
    status: '5.7.11',
    text: ['Please start TLS first, with STARTTLS; passwords are not taken in clear'],
  }, // RFC 4954 §4
  noMechanism: { code: 504, status: '5.5.4', text: ['There is no such mechanism; EHLO lists those that there are'] }, // RFC 4954 §4
  badBase64: { code: 501, status: '5.5.2', text: ['That is not base64'] }, // RFC 4954 §4
  authCancelled: { code: 501, status: '5.7.0', text: ['The login was cancelled'] }, // RFC 4954 §4
  authOverlong: { code: 500, status: '5.5.6', text: ['The line of the login is too long'] }, // RFC 4954 §6
  authFailed: { code: 535, status: '5.7.8', text: ['User name or password is wrong'] }, // RFC 4954 §6
  authUnavailable: {
    code: 454,
    status: '4.7.0',
    text: ['The password cannot be checked at the moment; please try again later'],
  }, // RFC 4954 §6
  authFirst: { code: 530, status: '5.7.0', text: ['Please log in first, with AUTH'] }, // RFC 4954 §6

  // MAIL.
  mail: { code: 250, status: '2.1.0', text: ['OK'] }, // RFC 5321 §4.1.1.2
  nestedMail: { code: 503, status: '5.5.1', text: ['A transaction is open; RSET ends it'] }, // RFC 5321 §4.1.4
  badSender: { code: 501, status: '5.1.7', text: ['Please write it as MAIL FROM:<user@example.org>, or MAIL FROM:<>'] }, // RFC 5321 §4.1.1.2
  badParameter: { code: 501, status: '5.5.4', text: ['A parameter has a value that it cannot have'] }, // RFC 5321 §4.1.1.11
  repeatedParameter: { code: 501, status: '5.5.4', text: ['A parameter is given more than once'] },
  unknownParameter: {
    code: 555,
    status: '5.5.4',
    text: ['There is a parameter that is not available here; EHLO lists the extensions'],
  }, // RFC 5321 §4.1.1.11
  holdTooLong: {
    code: 501,
    status: '5.5.4',
    text: ['The release is too far in the future; EHLO says how far it may be'],
  }, // RFC 4865
  senderNeedsUtf8: { code: 553, status: '5.6.7', text: ['An address like that needs the parameter SMTPUTF8'] }, // RFC 6531 §3.5
  declaredTooBig: { code: 552, status: '5.3.4', text: ['The message is larger than SIZE in the reply to EHLO allows'] }, // RFC 1870 §6.1

  // RCPT.
  recipient: { code: 250, status: '2.1.5', text: ['OK'] }, // RFC 5321 §4.1.1.3
  mailFirst: { code: 503, status: '5.5.1', text: ['Please start with MAIL'] }, // RFC 5321 §4.1.4
  badRecipient: { code: 501, status: '5.1.3', text: ['Please write it as RCPT TO:<user@example.org>'] }, // RFC 5321 §4.1.1.3
  recipientNeedsUtf8: {
    code: 553,
    status: '5.6.7',
    text: ['An address like that needs the parameter SMTPUTF8 of MAIL'],
  }, // RFC 6531 §3.5
  tooManyRecipients: {
    code: 452,
    status: '4.5.3',
    text: ['Enough recipients for one message; please send to the others in another'],
  }, // RFC 5321 §4.5.3.1.10
  chunksBegun: { code: 503, status: '5.5.1', text: ['The content has begun; it goes on with BDAT, and RSET ends it'] }, // RFC 3030 §2

  // DATA and BDAT.
  data: { code: 354, status: undefined, text: ['Go ahead; a line with nothing but a dot ends the message'] }, // RFC 5321 §4.1.1.4
  recipientFirst: { code: 503, status: '5.5.1', text: ['Please name a recipient first, with RCPT'] }, // RFC 5321 §4.1.4
  noRecipients: { code: 554, status: '5.5.1', text: ['No recipient was accepted'] }, // RFC 5321 §3.3
  binaryNeedsBdat: { code: 503, status: '5.5.1', text: ['A message with BODY=BINARYMIME is sent with BDAT'] }, // RFC 3030 §3
  badChunk: {
    code: 501,
    status: '5.5.4',
    text: ['Please write it as BDAT and the number of bytes, then LAST if it is the last; closing, as that is unknown'],
  }, // RFC 3030 §2
  spoiled: { code: 503, status: '5.5.1', text: ['A part of the message was refused; RSET and start again'] }, // RFC 3030 §2
  tooBig: { code: 552, status: '5.3.4', text: ['The message is larger than SIZE in the reply to EHLO allows'] }, // RFC 1870 §6.3
  bareNewlineInContent: {
    code: 554,
    status: '5.6.0',
    text: ['The message has a CR or an LF that is not part of a CRLF; please send it with CRLF line ends'],
  }, // RFC 5321 §2.3.8
  noRoom: {
    code: 452,
    status: '4.3.1',
    text: ['There is no room for the message at the moment; please try again later'],
  }, // RFC 5321 §4.2.3
  localError: { code: 451, status: '4.3.0', text: ['Something went wrong here; please try again later'] }, // RFC 5321 §4.2.3

  // The rest.
  reset: { code: 250, status: '2.0.0', text: ['OK'] }, // RFC 5321 §4.1.1.5
  noop: { code: 250, status: '2.0.0', text: ['OK'] }, // RFC 5321 §4.1.1.9
  vrfy: { code: 252, status: '2.5.0', text: ['Addresses are not verified; send the message, and it will be tried'] }, // RFC 5321 §3.5.3
  help: {
    code: 214,
    status: '2.0.0',
    text: [
      'EHLO HELO LHLO STARTTLS AUTH MAIL RCPT DATA BDAT',
      'RSET NOOP VRFY HELP QUIT',
      'RFC 5321 says what they do, and EHLO which extensions there are',
    ],
  }, // RFC 5321 §4.1.1.8
} satisfies Record<string, OwnReply>

/** RFC 5321 §4.3.1: the host name comes first. */
export function greeting(hostname: string, kind: 'ESMTP' | 'LMTP'): OwnReply {
  return { code: 220, status: undefined, text: [`${hostname} ${kind} Staffetta`] }
}

/** `lines`: what EHLO announces; none for HELO. RFC 2034: no status here. */
export function hello(hostname: string, lines: readonly string[]): OwnReply {
  return { code: 250, status: undefined, text: [hostname, ...lines] }
}

/** RFC 4954 §4: a challenge, already in base64. */
export function challenge(base64: string): OwnReply {
  return { code: 334, status: undefined, text: [base64] }
}

/** RFC 3030 §2: a chunk is here. `size`: bytes. */
export function chunkReceived(size: number): OwnReply {
  return { code: 250, status: '2.0.0', text: [`${size} bytes received`] }
}

/** The message is safe on disk. `id`: by which its timeline is found. */
export function queued(id: string): OwnReply {
  return { code: 250, status: '2.0.0', text: [`queued as ${id}`] }
}

/** RFC 2033 §4.2: the same for one recipient, when there is a reply for each. */
export function queuedFor(id: string, address: string): OwnReply {
  return { code: 250, status: '2.0.0', text: [`<${address}> queued as ${id}`] }
}

const WIRE = new Map<Reply, string>(Object.values(replies).map(reply => [reply, encode(reply)]))

/** RFC 5321 §4.2.1, RFC 2034: the lines to send, with CRLF; the status stands in every line. */
export function encodeReply(reply: Reply): string {
  return WIRE.get(reply) ?? encode(reply)
}

function encode(reply: Reply): string {
  const status = reply.status === undefined ? '' : `${reply.status} `
  const last = reply.text.length - 1
  return reply.text.map((line, index) => `${reply.code}${index < last ? '-' : ' '}${status}${line}\r\n`).join('')
}
