/** For tests: messages in several languages, charsets and encodings, with what a reader reads in them. Always the same ones for a seed. */
import { encodeQuotedPrintable } from '../mail/quoted-printable.ts'

export interface FakeMessage {
  readonly bytes: Buffer
  /** Of its own header, as a reader reads it. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** Headers of its parts, and of messages in it, line by line. */
  readonly inner: readonly string[]
  /** Bodies of its texts. */
  readonly bodies: readonly string[]
}

export type Chance = (below: number) => number

export function chance(seed: number): Chance {
  let state = Math.imul(seed, 0x9e3779b1)
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

interface Language {
  readonly words: readonly string[]
  /** That can say all of it, with how to write it. */
  readonly charsets: readonly (readonly [name: string, encode: (text: string) => Buffer])[]
}

const utf8 = (text: string): Buffer => Buffer.from(text)
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
/** A charset of one byte whose upper half begins with these letters at this byte. */
const byteTable = (first: number, letters: string) => (text: string) =>
  Buffer.from(Array.from(text, letter => (letter < '\x80' ? letter.charCodeAt(0) : first + letters.indexOf(letter))))
const CYRILLIC = 'АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя'
const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16()

const LANGUAGES: readonly Language[] = [
  {
    words: 'the meeting about your invoice was moved to Monday please confirm quarterly figures Project budget'.split(
      ' ',
    ),
    charsets: [
      ['us-ascii', utf8],
      ['utf-8', utf8],
      ['iso-8859-1', latin1],
    ],
  },
  {
    words: 'Grüße aus München die Straße über Öl größer Rechnung für das Büro Maß Übermut'.split(' '),
    charsets: [
      ['utf-8', utf8],
      ['iso-8859-1', latin1],
      ['windows-1252', latin1],
    ],
  },
  {
    words: 'Привет встреча перенесена на понедельник СЧЁТ'.replace('Ё', 'Е').split(' '),
    charsets: [
      ['utf-8', utf8],
      ['windows-1251', byteTable(0xc0, CYRILLIC)],
      ['iso-8859-5', byteTable(0xb0, CYRILLIC)],
    ],
  },
  {
    words: 'Καλημέρα ΟΔΥΣΣΕΥΣ λόγος της συνάντησης'.split(' '),
    charsets: [
      ['utf-8', utf8],
      ['utf-16be', utf16],
    ],
  },
  {
    words: '会議は月曜日に変更されました 請求書 日本語 한국어 안녕하세요 你好'.split(' '),
    charsets: [['utf-8', utf8]],
  },
  { words: 'Việt Nam tiếng cộng hòa 😀 🚀 naïve café'.split(' '), charsets: [['utf-8', utf8]] },
]

const FIELDS = ['Subject', 'From', 'To', 'Cc', 'X-Note', 'List-Id', 'Comments'] as const

export function fakeMessage(next: Chance): FakeMessage {
  const inner: string[] = []
  const bodies: string[] = []
  const fields = Array.from({ length: 1 + next(4) }, () => {
    const language = languageOf(next)
    return { name: FIELDS[next(FIELDS.length)] ?? 'Subject', value: sentence(language, 1 + next(8), next), language }
  })
  const { header, body } = entity(next, 0, inner, bodies)
  const bytes = Buffer.concat([...fields.map(field => fieldBytes(field, next)), Buffer.from(header), body])
  const own = header.split('\r\n').filter(line => line !== '')
  return {
    bytes,
    fields: [
      ...fields.map(({ name, value }) => [name, value] as const),
      ...own.map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)] as const),
    ],
    inner,
    bodies,
  }
}

const pick = <T>(all: readonly [T, ...T[]] | readonly T[], next: Chance): T => {
  const found = all[next(all.length)]
  if (found === undefined) throw new Error('nothing to pick')
  return found
}
const languageOf = (next: Chance): Language => pick(LANGUAGES, next)
const sentence = ({ words }: Language, count: number, next: Chance): string =>
  Array.from({ length: count }, () => pick(words, next)).join(' ')

/** RFC 2047 words, or as it is; folded here and there. */
function fieldBytes(field: { name: string; value: string; language: Language }, next: Chance): Buffer {
  const { name, value, language } = field
  const [charset, encode] = pick(language.charsets, next)
  if (/^[\0-\x7f]*$/.test(value)) return utf8(`${name}: ${next(2) === 0 ? value : value.replaceAll(' ', '\r\n ')}\r\n`)
  if (next(4) === 0) return utf8(`${name}: ${value}\r\n`)
  const encoded = encode(value)
  // Cut where a character may be cut too.
  const cut = charset === 'utf-16be' ? 2 * next(encoded.length / 2) : next(encoded.length)
  const words = [encoded.subarray(0, cut), encoded.subarray(cut)].map(part =>
    next(2) === 0
      ? `=?${charset}?B?${part.toString('base64')}?=`
      : `=?${charset}*x?q?${part.toString('hex').replace(/../g, '=$&')}?=`,
  )
  return utf8(`${name}: ${words.join(pick([' ', '\r\n ', '\r\n\t'], next))}\r\n`)
}

/** `header`: its MIME fields. */
function entity(next: Chance, depth: number, inner: string[], bodies: string[]): { header: string; body: Buffer } {
  const kind = depth >= 3 ? 0 : next(6)
  if (kind === 4) return multipart(next, depth, inner, bodies)
  if (kind === 5) {
    const { bytes, fields, inner: others, bodies: texts } = fakeMessage(next)
    inner.push(...fields.map(([name, value]) => `${name}: ${value}`), ...others)
    bodies.push(...texts)
    return { header: 'Content-Type: message/rfc822\r\n\r\n', body: bytes }
  }
  const language = languageOf(next)
  const text = Array.from({ length: 1 + next(8) }, () => sentence(language, 1 + next(10), next)).join('\r\n')
  const [charset, encode] = pick(language.charsets, next)
  const encoding = charset === 'utf-16be' ? 'base64' : pick(['8bit', 'base64', 'quoted-printable'], next)
  const isImage = next(8) === 0
  if (!isImage) bodies.push(text)
  const type = isImage ? 'image/x-words' : `${next(4) === 0 ? 'text/html' : 'text/plain'}; charset="${charset}"`
  const header = `Content-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`
  return { header, body: encodedBody(encode(text), encoding) }
}

function encodedBody(bytes: Buffer, encoding: string): Buffer {
  if (encoding === 'base64') return Buffer.from(bytes.toString('base64').replace(/.{76}/g, '$&\r\n'))
  return encoding === '8bit' ? bytes : Buffer.from(encodeQuotedPrintable(bytes))
}

function multipart(next: Chance, depth: number, inner: string[], bodies: string[]): { header: string; body: Buffer } {
  const boundary = `b-${depth}-${next(1e9)}`
  const parts = Array.from({ length: 1 + next(3) }, () => {
    const { header, body } = entity(next, depth + 1, inner, bodies)
    inner.push(...header.split('\r\n').filter(line => line !== ''))
    return Buffer.concat([Buffer.from(`--${boundary}\r\n${header}`), body, Buffer.from('\r\n')])
  })
  return {
    header: `Content-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n`,
    body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
  }
}
