/** What clients send that are broken, hostile, or only odd: whole sessions by seed, and ways to cut them into pieces. */
import { pick, type Random } from './random.ts'

export type Kind = 'smtp' | 'submission' | 'lmtp'

const SENDERS = [
  '<a@b.example>',
  '<>',
  '<"a b"@b.example>',
  '<@x.example:a@b.example>',
  '<a@[192.0.2.1]>',
  '<ü@b.example> SMTPUTF8',
] as const
const PARAMETERS = [
  '',
  '',
  '',
  ' SIZE=100',
  ' BODY=8BITMIME',
  ' BODY=BINARYMIME',
  ' RET=HDRS ENVID=x+20',
  ' SIZE=99999999999',
  ' X=Y',
] as const
const RECIPIENTS = [
  '<anna@home.test>',
  '<anna@home.test>',
  '<Anna+note@HOME.test> NOTIFY=NEVER',
  '<u@far.test>',
  '<postmaster>',
  '<nobody@home.test>',
  '<anna%far.test@home.test>',
  '<anna@home.test> ORCPT=rfc822;a+40b',
  '<"">',
  '<@>',
] as const

/** RFC 5321 §4.1.1.4: none of these ends a message, whatever some hosts believe. */
export const FALSE_ENDS = [
  '\n.\n',
  '\n.\r\n',
  '\r.\r',
  '\r\n.\n',
  '\r\n.\r',
  '\r.\r\n',
  '\r\n\0.\r\n',
  '\r\n.\0\r\n',
  '\r\n.\r\0\n',
  '\n\r\n.\n',
  '\r\r\n.\r\r\n',
  '\r\n.\t\r\n',
  '\r\n. \r\n',
] as const

const BODIES = [
  'Subject: x\r\n\r\ntext\r\n',
  '',
  '\r\n',
  '..\r\n...\r\n',
  'Date: x\r\n\r\nno end of line',
  `${'Received: from a by b\r\n'.repeat(120)}\r\nloop\r\n`,
  `Subject: ${'x'.repeat(2000)}\r\n\r\n${'y'.repeat(5000)}\r\n`,
  'nul \0 and 8 bit \xe4\xf6\r\n',
] as const

const ODDITIES = [
  '\r\n',
  '\n',
  '\r',
  '\0\0\0',
  'NOOP\r\n',
  'RSET\r\n',
  'VRFY x\r\n',
  'EXPN x\r\n',
  'HELP\r\n',
  'QUIT\r\n',
  'STARTTLS\r\n',
  'AUTH PLAIN AGFubmEAc2VjcmV0\r\n',
  'AUTH LOGIN\r\nYW5uYQ==\r\n*\r\n',
  'AUTH PLAIN =\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  `${'x'.repeat(20_000)}\r\n`,
  `MAIL FROM:<${'a'.repeat(300)}@b.example>\r\n`,
  'MAIL FROM:<a@b.example>\r\nMAIL FROM:<c@d.example>\r\n',
  'RCPT TO:<anna@home.test>\r\n',
  'DATA\r\n',
  'DATA now\r\n',
  '.\r\n',
  'EHLO again.example\r\n',
  'LHLO again.example\r\n',
  'HELO again.example\r\n',
  'EHLO \xff\xfe\r\n',
  'BDAT 5\r\n',
  'BDAT -1 LAST\r\n',
  'BDAT 99999999999999999999 LAST\r\n',
  'BDAT 10 LAST\r\nabc',
  'BDAT 0 LAST\r\n',
] as const

function transaction(random: Random): string {
  let text = `MAIL FROM:${pick(random, SENDERS)}${pick(random, PARAMETERS)}\r\n`
  for (let count = random(4); count >= 0; count--) text += `RCPT TO:${pick(random, RECIPIENTS)}\r\n`
  if (random(3) === 0) return text + chunks(random)
  let body = pick(random, BODIES)
  if (random(5) === 0) body += `${pick(random, FALSE_ENDS)}MAIL FROM:<smuggled@b.example>\r\n`
  return `${text}DATA\r\n${body}${random(12) === 0 ? '' : random(8) === 0 ? pick(random, FALSE_ENDS) : '\r\n.\r\n'}`
}

/** RFC 3030, with sizes that are right more often than not. */
function chunks(random: Random): string {
  let text = ''
  for (let count = random(3); count >= 0; count--) {
    const body = pick(random, BODIES)
    const size = random(6) === 0 ? random(3 * body.length + 2) : body.length
    text += `BDAT ${size}${count === 0 ? ' LAST' : ''}\r\n${body}`
  }
  return text
}

/** What one client sends, from its first byte to its last. */
export function newSession(random: Random, kind: Kind): Buffer {
  let text = random(12) === 0 ? '' : `${kind === 'lmtp' ? 'LHLO' : 'EHLO'} c.example\r\n`
  if (kind === 'submission' && random(3) > 0) text += 'AUTH PLAIN AGFubmEAc2VjcmV0\r\n'
  for (let count = random(6); count >= 0; count--) text += random(3) > 0 ? transaction(random) : pick(random, ODDITIES)
  if (random(3) === 0) text += 'QUIT\r\n'
  return random(3) === 0 ? mutated(Buffer.from(text, 'latin1'), random) : Buffer.from(text, 'latin1')
}

const SPICE = Buffer.from('\r\n\r\n.. <>@:\0\xff', 'latin1')

/** A few bytes changed, added, taken away, or a part of it twice. */
function mutated(bytes: Buffer, random: Random): Buffer {
  let now = bytes
  for (let count = random(5); count >= 0; count--) {
    const at = random(now.length + 1)
    const spice = Buffer.of(random(2) === 0 ? random(256) : (SPICE[random(SPICE.length)] ?? 0))
    const end = Math.min(now.length, at + random(40))
    const change = random(4)
    const middle = change === 0 ? spice : change === 1 ? Buffer.alloc(0) : change === 2 ? now.subarray(at, end) : spice
    const from = change === 0 ? at : change === 1 ? end : change === 2 ? at : at + 1
    now = Buffer.concat([now.subarray(0, at), middle, now.subarray(from)])
  }
  return now
}

/** The same bytes in pieces: all at once, one by one, cut at random, or line by line. */
export function* pieces(bytes: Buffer, random: Random): Generator<Buffer> {
  const most = pick(random, [bytes.length, bytes.length, bytes.length < 1500 ? 1 : 300, 10, 1000, 0])
  for (let at = 0; at < bytes.length; ) {
    const line = bytes.indexOf('\n', at) + 1
    const size = most === 0 ? (line === 0 ? bytes.length - at : line - at) : 1 + (most === 1 ? 0 : random(most))
    yield bytes.subarray(at, at + size)
    at += size
  }
}

/** RFC 5321 §4.2: whole replies and nothing else. */
const REPLIES = /^(?:(?:[2-5]\d\d-[^\r\n]*\r\n)*[2-5]\d\d(?: [^\r\n]*)?\r\n)*$/
const LINE = /^([2-5])(\d\d)(?:[ -](?:([245])\.\d{1,3}\.\d{1,3}(?= |$))?.*)?$/

/** What is wrong with what a server said; undefined: nothing. `cut`: the last reply may be unfinished. */
export function wrongReplies(said: string, cut: boolean): string | undefined {
  const whole = cut ? said.slice(0, said.lastIndexOf('\r\n') + 2 || 0) : said
  const complete = cut ? whole.replace(/(?:^|(?<=\n))(?:[2-5]\d\d-[^\r\n]*\r\n)+$/, '') : whole
  if (!REPLIES.test(complete)) return `not a sequence of replies: ${JSON.stringify(said.slice(-300))}`
  let before: string | undefined
  for (const line of complete.split('\r\n').slice(0, -1)) {
    const [, first = '', rest = '', status] = LINE.exec(line) ?? []
    const code = first + rest
    // RFC 2034 §4: the class is the first digit of the reply code
    if (status !== undefined && status !== first) return `a code of another class: ${line}`
    if (before !== undefined && before !== code) return `a reply of ${before} goes on with ${line}`
    if (line.length > 510) return `longer than RFC 5321 §4.5.3.1.5 allows: ${line.length}`
    before = line[3] === '-' ? code : undefined
  }
  return undefined
}
