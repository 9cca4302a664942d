/** What clients of IMAP send that are broken, hostile, or only odd: whole sessions by seed. Texts are bytes as Latin-1. */
import { deflateRawSync } from 'node:zlib'
import { FETCHES, KEYS, MAILS, NAMES, ODDITIES, PATTERNS, SECTIONS, SETS, SIMPLE, USERS } from './imap-words.ts'
import { mutate } from './mutate.ts'
import { pick, type Random } from './random.ts'

export interface MailInput {
  readonly bytes: Buffer
  /** Commands that went into it, mutated or not. */
  readonly commands: number
}

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
