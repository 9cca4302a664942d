/** What clients of IMAP and POP3 send that are broken, hostile, or only odd: whole sessions by seed. Texts are bytes as Latin-1. */
import { deflateRawSync } from 'node:zlib'
import { pick, type Random } from './random.ts'

export interface MailInput {
  readonly bytes: Buffer
  /** Commands that went into it, mutated or not. */
  readonly commands: number
}

export const USERS = ['anna@fuzz.test', 'bruno@fuzz.test'] as const

const NAMES = [
  'INBOX',
  'inbox',
  'Archive',
  'Trash',
  'a/b/c',
  '"new box"',
  'user/bruno@fuzz.test',
  'user/anna@fuzz.test/Sent',
  'user/nobody@fuzz.test',
  '..',
  '../../etc/passwd',
  'a/../b',
  '/',
  'a//b',
  '""',
  '"a\0b"',
  '"\\"\\\\"',
  '&',
  '&AAA-',
  '&ZeVnLIqe-',
  'Entw&APw-rfe',
  '"\xc3\xbc"',
  '"\xff\xfe"',
  '{3}\r\nx/y',
  '{5+}\r\n..\r\n/',
  `"${'x'.repeat(1200)}"`,
  `"${'y/'.repeat(60)}z"`,
  '%',
  '*',
] as const
const SETS = [
  '1',
  '1:*',
  '*',
  '*:1',
  '$',
  '2,4:7,9,12:*',
  '4294967295',
  '0',
  '1:4294967296',
  '1:*,'.repeat(3000) + '1',
  Array.from({ length: 4000 }, (_, i) => i * 2 + 1).join(','),
  Array.from({ length: 2000 }, (_, i) => `${i + 5}:*`).join(','),
  '1:*:*',
  ',',
] as const
const PATTERNS = [
  '*',
  '%',
  '""',
  '*%*%*%*%*%*%*%*%*%*%*%*%*x',
  `"${'*%'.repeat(300)}z"`,
  '%/%/%',
  '../*',
  '"user/*"',
  '"\0*"',
  'IN*',
] as const
const SECTIONS = [
  '',
  'HEADER',
  'TEXT',
  '1',
  '1.MIME',
  '2.1.3',
  `${'1.'.repeat(80)}1`,
  `${'1.'.repeat(3000)}1`,
  'HEADER.FIELDS (Subject From)',
  `HEADER.FIELDS.NOT (${'x '.repeat(500)}y)`,
  '4294967295.1',
  '0',
  '1.TEXT',
  'MIME',
] as const
const FETCHES = [
  'FLAGS',
  'ALL',
  'FULL',
  'FAST',
  '(UID FLAGS INTERNALDATE RFC822.SIZE)',
  'ENVELOPE',
  'BODYSTRUCTURE',
  'BODY',
  '(MODSEQ EMAILID THREADID SAVEDATE PREVIEW)',
  'PREVIEW (LAZY)',
  'RFC822',
  'RFC822.HEADER',
  'RFC822.TEXT',
  'BINARY[1]',
  'BINARY.PEEK[1]<0.10>',
  'BINARY.SIZE[1.1]',
  'BODY[]<4294967295.4294967295>',
  'BODY.PEEK[]<0.100>',
  'BODY[]<1.0>',
] as const

const nested = (open: string, middle: string, close: string, depth: number): string =>
  open.repeat(depth) + middle + close.repeat(depth)

const KEYS = [
  'ALL',
  'UNSEEN',
  'TEXT hello',
  'BODY "a"',
  'HEADER X-None ""',
  'SUBJECT {3}\r\nabc',
  'FROM "\xe9"',
  'CHARSET UTF-8 TEXT "\xc3\xa9"',
  'CHARSET KOI8-R BODY "\xc1"',
  'CHARSET X-NONE TEXT a',
  'OR SEEN NOT DELETED',
  'SINCE 1-Feb-1994 BEFORE 31-Dec-2099',
  'SENTON 30-Feb-2000',
  'LARGER 10 SMALLER 4294967295',
  'OLDER 1 YOUNGER 4294967295',
  'MODSEQ 1',
  'MODSEQ "/flags/\\\\Seen" all 9223372036854775807',
  'EMAILID M1 THREADID T1',
  'UID 1:*',
  '1:*',
  '$',
  'SAVEDATESUPPORTED',
  'KEYWORD $x',
  `TEXT "${'a'.repeat(5000)}"`,
  nested('NOT ', 'ALL', '', 60),
  nested('NOT ', 'ALL', '', 9000),
  nested('(', 'ALL', ')', 60),
  nested('(', 'ALL', ')', 20_000),
  nested('OR ALL ', 'SEEN', '', 3000),
  Array.from({ length: 500 }, (_, i) => `BODY w${i}`).join(' '),
] as const

const SIMPLE = [
  'NOOP',
  'CAPABILITY',
  'CHECK',
  'NAMESPACE',
  'ID NIL',
  'ID ("name" "x" "version" NIL)',
  `ID (${'"a" "b" '.repeat(40)}"c" NIL)`,
  'ENABLE QRESYNC CONDSTORE UTF8=ACCEPT IMAP4REV2',
  'ENABLE IMAP4REV2',
  'ENABLE QRESYNC',
  `ENABLE ${'X '.repeat(400)}Y`,
  'EXPUNGE',
  'CLOSE',
  'UNSELECT',
  'UNAUTHENTICATE\r\nu LOGIN anna@fuzz.test secret\r\nu SELECT INBOX',
  'IDLE',
  'IDLE\r\nDONE',
  'IDLE\r\ndone then',
  'DONE',
  'AUTHENTICATE PLAIN',
  'AUTHENTICATE PLAIN AGFubmFAZnV6ei50ZXN0AHNlY3JldA==',
  'AUTHENTICATE PLAIN =',
  'AUTHENTICATE LOGIN\r\nYW5uYUBmdXp6LnRlc3Q=\r\nc2VjcmV0',
  'AUTHENTICATE PLAIN\r\n*',
  'AUTHENTICATE PLAIN\r\n\0\0\0',
  'AUTHENTICATE X',
  'LOGIN {14}\r\nanna@fuzz.test {6+}\r\nsecret',
  'LOGIN nobody@fuzz.test x',
  'LOGIN "\0" "\0"',
  `LOGIN ${'a'.repeat(3000)} b`,
  'STARTTLS',
  'COMPRESS X',
  'LOGOUT',
  'GETQUOTA ""',
  'SETQUOTA "" (STORAGE 512)',
  'NOTIFY NONE',
  'NOTIFY SET STATUS (selected (MessageNew (uid flags) MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge MailboxName))',
  'NOTIFY SET (selected-delayed (MessageNew (BODY.PEEK[]) MessageExpunge)) (subtree (a INBOX) (MailboxMetadataChange ServerMetadataChange))',
  `NOTIFY SET ${'(mailboxes (a b c) (MessageNew MessageExpunge)) '.repeat(50)}(inboxes NONE)`,
] as const

/** Bytes that clients of other protocols send, or nobody. */
const ODDITIES = [
  '\r\n',
  '\n',
  '\r',
  '\0\0\0',
  'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  `${'x'.repeat(70_000)}\r\n`,
  `${'x'.repeat(300)} NOOP\r\n`,
  '* NOOP\r\n',
  '+ NOOP\r\n',
  'a\r\n',
  'a \r\n',
  ' NOOP\r\n',
  'a NOOP {0}\r\n\r\n',
  'a {5}\r\nNOOP \r\n',
  'a NOOP {99999999999999999999}\r\n',
  'a LOGIN {4294967296+}\r\n',
  'a LOGIN {4000000000}\r\n',
  `a LOGIN ${'{0+}\r\n '.repeat(100)}\r\n`,
  'a LOGIN ~{3+}\r\n\0\0\0 x\r\n',
  'a LOGIN {-1}\r\n',
  'a LOGIN {3\r\n',
  'a LOGIN {03}\r\nabc d\r\n',
  'a LOGIN {3++}\r\nabc d\r\n',
] as const

const MAILS = [
  'Subject: x\r\n\r\ntext\r\n',
  'x',
  '\r\n',
  '\n',
  'From: a@b.example\nSubject: bare\n\nlines\n',
  'Subject: =?utf-8?q?=C3=A4?=\r\nDate: Thu, 1 Jan 1970 00:00:00 +0000\r\n\r\n\0nul\r\n',
  `Subject: ${'y'.repeat(20_000)}\r\n\r\n`,
  `${'X: y\r\n'.repeat(3000)}\r\n`,
  `From: ${'a@b.example, '.repeat(2000)}c@d.example\r\nReferences: ${'<a@b> '.repeat(3000)}\r\n\r\nx`,
  `${'Content-Type: message/rfc822\r\n\r\n'.repeat(600)}x`,
  `${Array.from({ length: 300 }, (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`).join('')}x`,
  `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\nContent-Type: text/plain\r\n\r\npart\r\n'.repeat(500)}--b--\r\n`,
  'Content-Type: text/html; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+\r\n====\r\n',
  'Content-Type: text/plain; charset="\xff"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=ZZ=\r\n==\r\n',
  `Subject: large\r\n\r\n${'0123456789abcdef\r\n'.repeat(16_000)}`,
] as const

function append(random: Random): string {
  const mail = MAILS[random(random(15) === 0 ? MAILS.length : MAILS.length - 1)] ?? ''
  const size = random(25) === 0 ? pick(random, [0, 1, mail.length + 3, mail.length - 1, 390_000, 5e9]) : mail.length
  const literal = `${pick(random, ['', '', '', '~', 'UTF8 (~'])}{${Math.max(0, size)}${random(3) === 0 ? '' : '+'}}`
  const flags = pick(random, [
    '',
    '(\\Seen $x) ',
    '(\\Recent) ',
    `(${'k '.repeat(60)}l) `,
    '() "17-Jul-1996 02:44:25 -0700" ',
  ])
  return ` ${flags}${literal}\r\n${mail}${literal.startsWith('UTF8') ? ')' : ''}`
}

/** What reaches deeper. */
const GOOD_NAMES = ['INBOX', 'Archive', 'a/b/c', 'new', '"two words"'] as const
const GOOD_SETS = ['1', '1:*', '2:4', '1,3', '$', '*'] as const

const nameOf = (random: Random): string => pick(random, random(2) > 0 ? GOOD_NAMES : NAMES)

function imapCommand(random: Random): string {
  const [name, other, set] = [nameOf(random), nameOf(random), pick(random, random(3) > 0 ? GOOD_SETS : SETS)]
  const uid = random(2) === 0 ? 'UID ' : ''
  switch (random(24)) {
    case 0:
    case 1:
      return `${random(4) === 0 ? 'EXAMINE' : 'SELECT'} ${pick(random, ['INBOX', name])}${pick(random, ['', '', ' (CONDSTORE)', ' (QRESYNC (1 1 1:*))', ` (QRESYNC (1795500000 2 ${set} (${set} ${set})))`])}`
    case 2:
      return `CREATE ${name}${pick(random, ['', '', ' (USE (\\Drafts))', ' (USE (\\Nonsense))'])}`
    case 3:
      return `${pick(random, ['DELETE', 'SUBSCRIBE', 'UNSUBSCRIBE'])} ${name}`
    case 4:
      return `RENAME ${name} ${other}`
    case 5:
      return `LIST ${pick(random, ['""', name])} ${pick(random, PATTERNS)}`
    case 6:
      return `LIST (SUBSCRIBED RECURSIVEMATCH SPECIAL-USE) "" (${pick(random, PATTERNS)} ${pick(random, PATTERNS)} ${'* '.repeat(random(2) * 400)}%) RETURN (CHILDREN SUBSCRIBED STATUS (MESSAGES UIDNEXT SIZE) MYRIGHTS METADATA (/shared/a))`
    case 7:
      return `LSUB "" ${pick(random, PATTERNS)}`
    case 8:
      return `STATUS ${name} (MESSAGES UIDNEXT UIDVALIDITY UNSEEN SIZE HIGHESTMODSEQ MAILBOXID DELETED APPENDLIMIT)`
    case 9:
    case 10: {
      let text = `APPEND ${random(3) === 0 ? name : 'INBOX'}${append(random)}`
      while (random(4) === 0) text += append(random)
      return text
    }
    case 11:
      return `${uid}REPLACE ${random(12)} ${random(3) === 0 ? name : 'INBOX'}${append(random)}`
    case 12:
    case 13:
      return `${uid}FETCH ${set} ${pick(random, FETCHES)}${pick(random, ['', '', ' (CHANGEDSINCE 5)', ' (PARTIAL -1:-30)', ' (CHANGEDSINCE 1 VANISHED)'])}`
    case 14:
      return `${uid}FETCH ${set} BODY${pick(random, ['', '.PEEK'])}[${pick(random, SECTIONS)}]${pick(random, ['', '<0.50>'])}`
    case 15:
      return `${uid}STORE ${set} ${pick(random, ['', '(UNCHANGEDSINCE 3) '])}${pick(random, ['', '+', '-'])}FLAGS${pick(random, ['', '.SILENT'])} ${pick(random, ['(\\Deleted)', '\\Seen', '($x $y)', '()', `(${Array.from({ length: 60 }, (_, i) => `k${i}`).join(' ')})`, '(\\Recent)'])}`
    case 16:
      return `${uid}${pick(random, ['COPY', 'MOVE'])} ${set} ${pick(random, ['Archive', name])}`
    case 17:
    case 18:
      return `${uid}SEARCH ${pick(random, ['', '', 'RETURN () ', 'RETURN (MIN MAX COUNT ALL) ', 'RETURN (SAVE) ', 'RETURN (PARTIAL -1:-100) '])}${pick(random, KEYS)} ${random(3) === 0 ? pick(random, KEYS) : 'ALL'}`
    case 19:
      return random(2) === 0
        ? `${uid}SORT (${pick(random, ['DATE', 'REVERSE SUBJECT FROM', 'DISPLAYFROM', 'REVERSE '.repeat(200) + 'TO'])}) UTF-8 ${pick(random, KEYS)}`
        : `${uid}THREAD ${pick(random, ['REFERENCES', 'ORDEREDSUBJECT', 'X'])} UTF-8 ${pick(random, KEYS)}`
    case 20:
      return `UID EXPUNGE ${set}`
    case 21:
      return pick(random, [
        `SETACL ${name} bruno@fuzz.test ${pick(random, ['+lrswi', 'lrswipkxtea', '-a', ''])}`,
        `DELETEACL ${name} bruno@fuzz.test`,
        `GETACL ${name}`,
        `MYRIGHTS ${name}`,
        `LISTRIGHTS ${name} anyone`,
        `GETQUOTAROOT ${name}`,
      ])
    case 22:
      return pick(random, [
        `SETMETADATA ${name} (/private/a "x" /shared/b {3+}\r\nx\0y /private/c NIL)`,
        `SETMETADATA "" (/private/${'a/'.repeat(300)}b "x")`,
        `SETMETADATA ${name} (/private/big ~{70000+}\r\n${'m'.repeat(70_000)})`,
        `GETMETADATA (MAXSIZE 10 DEPTH infinity) ${name} (/private /shared)`,
      ])
    default:
      return pick(random, SIMPLE)
  }
}

const TOKENS = [
  '(',
  ')',
  '"',
  '\\',
  ' ',
  '{5}\r\n',
  '{3+}\r\n',
  '~{1+}\r\n',
  '{0}\r\n',
  '\r\n',
  '\n',
  '\r',
  '\0',
  '\xff',
  '*',
  '%',
  '&',
  '[',
  ']',
  '<',
  '>',
  '4294967296',
  '99999999999999999999',
  '{9999999999+}\r\n',
  '$',
  'NIL',
  '..',
  ':',
  ',',
  '-',
  'UID ',
] as const

/** A little of it is changed, cut out, put in, doubled. */
function mutate(text: string, random: Random): string {
  let now = text
  for (let count = random(3) > 0 ? 1 : 1 + random(3); count > 0; count--) {
    const at = random(Math.min(now.length, 400) + 1)
    const end = Math.min(now.length, at + random(12))
    const token = pick(random, TOKENS).repeat(random(40) === 0 ? 300 : 1)
    const middle = pick(random, [token, '', now.slice(at, end).repeat(2), token, String.fromCharCode(random(256))])
    now = now.slice(0, at) + middle + now.slice(random(2) === 0 ? at : end)
  }
  return random(30) === 0 ? now.slice(0, random(now.length)) : now
}

/** 20 MB of one line, and of many: what is small when compressed. */
const BOMBS = [Buffer.alloc(20_000_000, 'x'), Buffer.alloc(2_000_000, 'a NOOP\r\n')].map(bytes => deflateRawSync(bytes))

function commands(random: Random, count: number): string {
  let text = ''
  for (let n = 0; n < count; n++) {
    if (random(30) === 0) text += pick(random, ODDITIES)
    else {
      const command = imapCommand(random)
      text += `${pick(random, ['a', 'b', 'c'])}${n} ${random(2) > 0 ? mutate(command, random) : command}\r\n`
    }
  }
  return text
}

/** What one client of IMAP sends, from its first byte to its last. */
export function newImapInput(random: Random): MailInput {
  let text = ''
  let count = 0
  if (random(5) > 0) {
    text += `l LOGIN ${pick(random, USERS)} secret\r\n`
    count++
    if (random(4) > 0) {
      text += `s SELECT ${pick(random, ['INBOX', 'INBOX', 'Archive', 'user/anna@fuzz.test'])}\r\n`
      count++
    }
  }
  if (random(8) === 0) text += random(2) === 0 ? 'i IDLE\r\n' : 'i AUTHENTICATE PLAIN\r\n'
  const more = 5 + random(20)
  const clear = random(12) === 0 ? random(more) : more
  text += commands(random, clear)
  if (clear === more) return { bytes: Buffer.from(text, 'latin1'), commands: count + more }
  const squeezed = squeeze(commands(random, more - clear), random)
  return {
    bytes: Buffer.concat([Buffer.from(`${text}z COMPRESS DEFLATE\r\n`, 'latin1'), squeezed]),
    commands: count + more + 1,
  }
}

/** RFC 4978: compressed, or not quite. */
function squeeze(text: string, random: Random): Buffer {
  const bytes = deflateRawSync(Buffer.from(text, 'latin1'), { finishFlush: 2 })
  if (random(20) === 0) return Buffer.concat([bytes, pick(random, [BOMBS[0], BOMBS[1]]) ?? bytes])
  for (let count = random(2) === 0 ? 0 : 1 + random(4); count > 0; count--) bytes[random(bytes.length)] = random(256)
  return bytes
}

const POP3 = [
  'CAPA',
  'NOOP',
  'STAT',
  'LIST',
  'LIST 1',
  'LIST 4294967296',
  'LIST 0',
  'LIST -1',
  'UIDL',
  'UIDL 2',
  'RETR 1',
  'RETR 2',
  'RETR 3',
  'RETR 99999999999999999999',
  'TOP 1 0',
  'TOP 2 10',
  'TOP 1 99999999999',
  'TOP 1',
  'DELE 1',
  'DELE 2',
  'RSET',
  'UTF8',
  'STLS',
  'QUIT',
  'USER anna@fuzz.test',
  'PASS secret',
  'PASS ',
  `PASS ${'x'.repeat(500)}`,
  'AUTH PLAIN',
  'AUTH PLAIN AGFubmFAZnV6ei50ZXN0AHNlY3JldA==',
  'AUTH PLAIN =',
  'AUTH LOGIN\r\nYW5uYUBmdXp6LnRlc3Q=\r\nc2VjcmV0',
  'AUTH PLAIN\r\n*',
  `AUTH PLAIN ${'A'.repeat(15_000)}`,
  'AUTH X',
  'AUTH',
  'APOP anna x',
  'XYZZY',
  'GET / HTTP/1.1',
  '',
  '\0',
  'x'.repeat(20_000),
] as const

export function newPop3Input(random: Random): MailInput {
  let text = ''
  if (random(4) > 0) text += `USER ${pick(random, USERS)}\r\nPASS secret\r\n`
  const more = 4 + random(16)
  for (let n = 0; n < more; n++) {
    const command = pick(random, POP3)
    text += `${random(2) === 0 ? mutate(command, random) : command}${random(20) === 0 ? pick(random, ['\n', '\r', '']) : '\r\n'}`
  }
  if (random(4) === 0) text += 'QUIT\r\n'
  return { bytes: Buffer.from(text, 'latin1'), commands: more }
}
