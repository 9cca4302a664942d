/** Everything the POP3 server says of its own accord, in the order of a session. */

/** RFC 1939 §3, with an extended response code (RFC 2449 §8, RFC 3206). At most 512 octets as a line (RFC 2449 §4). */
export type Reply =
  | { readonly is: '+OK'; readonly text: string }
  | { readonly is: '-ERR'; readonly code?: ResponseCode; readonly text: string }

/** AUTH: it's the credentials. SYS/TEMP: it's us, for now. SYS/PERM: it's us, and somebody must do something. */
export type ResponseCode = 'IN-USE' | 'AUTH' | 'SYS/TEMP' | 'SYS/PERM'

export const replies = {
  // The connection, and what may end it.
  goodbye: { is: '+OK', text: 'Goodbye' }, // RFC 1939 §6
  shutdown: { is: '-ERR', code: 'SYS/TEMP', text: 'The server is being restarted; please try again in a moment' },
  tooManyErrors: { is: '-ERR', text: 'Too many commands were refused; please check the client and connect again' },
  tooManyConnections: { is: '-ERR', code: 'SYS/TEMP', text: 'Too many connections; please try again later' },
  notPop3: { is: '-ERR', text: 'This is a mail server, and that is not POP3' },

  // Lines and commands.
  overlong: { is: '-ERR', text: 'The line is too long' }, // RFC 2449 §4
  bareNewline: { is: '-ERR', text: 'A line ends with CRLF; there was a CR or an LF alone' }, // RFC 1939 §3
  notUtf8: { is: '-ERR', text: 'A command is written in ASCII, names and passwords in UTF-8' }, // RFC 6856 §2
  control: { is: '-ERR', text: 'There are control characters in the command' },
  unknown: { is: '-ERR', text: 'There is no such command; CAPA tells which extensions there are' }, // RFC 1939 §3
  noArgument: { is: '-ERR', text: 'That command takes no argument' },
  needsArgument: { is: '-ERR', text: 'That command needs an argument' },
  needsNumber: { is: '-ERR', text: 'That command needs the number of a message' },
  needsNumbers: { is: '-ERR', text: 'TOP needs the number of a message and how many lines' },

  // AUTHORIZATION.
  tlsFirst: { is: '-ERR', text: 'Please start TLS first, with STLS' }, // RFC 2595 §4
  tlsElsewhere: { is: '-ERR', text: 'Nobody logs in without TLS; please use the port where TLS is on from the start' },
  startTls: { is: '+OK', text: 'Ready to start TLS' }, // RFC 2595 §4
  tlsIsOn: { is: '-ERR', text: 'TLS is on already' },
  noTls: { is: '-ERR', text: 'There is no TLS here' },
  utf8: { is: '+OK', text: 'UTF-8 it is' }, // RFC 6856 §2.1
  nameKnown: { is: '+OK', text: 'And the password?' }, // RFC 1939 §7: also for a name that does not exist
  userFirst: { is: '-ERR', text: 'Please say who it is first, with USER' }, // RFC 1939 §7
  noMechanism: { is: '-ERR', text: 'That mechanism is not available; CAPA lists those that are' }, // RFC 5034 §4
  badBase64: { is: '-ERR', text: 'That is not base64' }, // RFC 5034 §4
  authCancelled: { is: '-ERR', text: 'The login was cancelled' }, // RFC 5034 §4
  authFailed: { is: '-ERR', code: 'AUTH', text: 'The user name (a whole address) or the password is wrong' }, // RFC 3206 §4
  authBlocked: {
    is: '-ERR',
    code: 'SYS/TEMP',
    text: 'Too many log-ins from your address have failed; please try again later',
  }, // RFC 3206 §3: not AUTH, or clients would ask for another password
  authBusy: { is: '-ERR', code: 'SYS/TEMP', text: 'Too many want to log in at this moment; please try again' },
  inUse: { is: '-ERR', code: 'IN-USE', text: 'Too many sessions of yours are open; please close one' }, // RFC 2449 §8.1.1
  noMaildrop: { is: '-ERR', code: 'SYS/PERM', text: 'This account has no INBOX' },
  logInFirst: { is: '-ERR', text: 'Please log in first' }, // RFC 1939 §3

  // TRANSACTION.
  loggedInAlready: { is: '-ERR', text: 'You are logged in already' }, // RFC 1939 §3
  noMessage: { is: '-ERR', text: 'There is no such message' }, // RFC 1939 §5
  markedAlready: { is: '-ERR', text: 'That message is marked as deleted already' }, // RFC 1939 §5
  gone: { is: '-ERR', text: 'That message was removed by another session' },
  unreadable: { is: '-ERR', code: 'SYS/TEMP', text: 'That message cannot be read at this moment' }, // RFC 3206 §3
  marked: { is: '+OK', text: 'Will be removed when you quit' }, // RFC 1939 §5
  noop: { is: '+OK', text: 'OK' }, // RFC 1939 §5
  top: { is: '+OK', text: 'The top of it follows' }, // RFC 1939 §7
  capabilities: { is: '+OK', text: 'This is what there is' }, // RFC 2449 §5
  uids: { is: '+OK', text: 'Unique ids follow' }, // RFC 1939 §7

  // UPDATE.
  notRemoved: { is: '-ERR', code: 'SYS/TEMP', text: 'The marked messages could not be removed' }, // RFC 1939 §6
} satisfies Record<string, Reply>

/** RFC 1939 §4; no timestamp, as there is no APOP. */
export function greeting(hostname: string): Reply {
  return { is: '+OK', text: `${hostname} POP3 Staffetta` }
}

/** RFC 1939 §4, §5: after a login, LIST and RSET. */
export function holds(count: number, octets: number): Reply {
  return { is: '+OK', text: `${count} messages (${octets} octets)` }
}

/** RFC 1939 §5: STAT, and LIST of one message: two numbers. UIDL of one message (§7): a number and the id. */
export function pair(first: number, second: number | string): Reply {
  return { is: '+OK', text: `${first} ${second}` }
}

/** RFC 1939 §5 */
export function follows(octets: number): Reply {
  return { is: '+OK', text: `${octets} octets` }
}

/** RFC 1939 §6 */
export function removed(count: number): Reply {
  return { is: '+OK', text: `${count} messages removed` }
}

/** The line to send, with CRLF. */
export function encodeReply(reply: Reply): string {
  const code = reply.is === '-ERR' && reply.code !== undefined ? `[${reply.code}] ` : ''
  return `${reply.is} ${code}${reply.text}\r\n`
}
