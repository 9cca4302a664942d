/** RFC 2978, RFC 2045 §5.1: from the bytes of a text in a charset to a string. Whatever the bytes and the name are, a string comes out. */
import { isAscii, isUtf8 } from 'node:buffer'
import { view } from './entity.ts'

type Decoder = InstanceType<typeof TextDecoder>

/** Names that mail uses and that the WHATWG list of encodings, which TextDecoder goes by, does not have. */
const ALIASES = new Map([
  ['cp932', 'shift_jis'],
  ['cp936', 'gbk'],
  ['cp949', 'euc-kr'],
  ['ms949', 'euc-kr'],
  ['uhc', 'euc-kr'],
  ['cp950', 'big5'],
  ['eucjp', 'euc-jp'],
  ['ujis', 'euc-jp'],
  ['euckr', 'euc-kr'],
  ['euc-cn', 'gbk'],
  ['latin-1', 'iso-8859-1'],
  ['latin9', 'iso-8859-15'],
  ['latin-9', 'iso-8859-15'],
  ['iso-8859-8-e', 'iso-8859-8'],
  ['ansi_x3.110-1983', 'iso-8859-1'],
  ['8bit', 'us-ascii'],
  ['unknown-8bit', 'us-ascii'], // RFC 1428 §3
  ['x-unknown', 'us-ascii'],
  ['unicode-1-1-utf-7', 'utf-7'],
  ['unicode-2-0-utf-7', 'utf-7'],
  ['csutf7', 'utf-7'],
  ['hz', 'hz-gb-2312'],
  ['csiso2022kr', 'iso-2022-kr'],
  ['ibm437', 'cp437'],
  ['437', 'cp437'],
  ['ibm850', 'cp850'],
  ['850', 'cp850'],
])

/** Bytes 128 to 255 of the code pages of DOS. */
const CODE_PAGES = new Map([
  [
    'cp437',
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0',
  ],
  [
    'cp850',
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0',
  ],
])

/** Charsets in which bytes below 128 are not simply ASCII. */
const SHIFTING = /^(?:utf-?(?:7|16|32)|iso-2022-|hz|unicode|ucs-|csunicode|csutf7|cs(?:iso)?2022|iso-10646-ucs|x-user)/

/** Decoders that were used once, by the name that was asked for; as many as there are names that we know. */
const decoders = new Map<string, Decoder>()

/** Characters of a charset's name. */
const MAX_NAME = 75

/** The text. Without a charset, or where it is a wrong one: UTF-8 if it is valid, else windows-1252. A byte order mark at the start is dropped. */
export function decodeCharset(bytes: Uint8Array, charset: string | undefined): string {
  const name = charsetName(charset)
  if (isAscii(bytes) && !SHIFTING.test(name)) return view(bytes).toString('latin1')
  const own = OWN.get(name)
  if (own) return own(bytes)
  const page = CODE_PAGES.get(name)
  if (page !== undefined) return decodePage(bytes, page)
  const decoder = name === '' || ASCII.has(name) ? undefined : decoderOf(name)
  return (decoder ?? guess(bytes)).decode(bytes)
}

/**
 * The same for a text that comes in pieces; characters may be cut between them. Without a usable charset the first piece decides which it is.
 * Charsets that TextDecoder does not have are decoded piece by piece.
 */
export function charsetDecoder(charset: string | undefined): { feed(piece: Uint8Array): string; end(): string } {
  const name = charsetName(charset)
  const own = OWN.has(name) || CODE_PAGES.has(name)
  const known = name === '' || ASCII.has(name) ? undefined : decoderOf(name)
  let decoder = own || !known ? undefined : new TextDecoder(known.encoding)
  return {
    feed(piece) {
      if (own) return decodeCharset(piece, name)
      decoder ??= new TextDecoder(guess(withoutCut(piece)).encoding)
      return decoder.decode(piece, { stream: true })
    },
    end: () => decoder?.decode() ?? '',
  }
}

/** Whether texts in this charset are decoded as such and not guessed. */
export function knowsCharset(charset: string): boolean {
  const name = charsetName(charset)
  return ASCII.has(name) || OWN.has(name) || CODE_PAGES.has(name) || decoderOf(name) !== undefined
}

/** What says nothing when bytes above 127 are there. */
const ASCII = new Set(['us-ascii', 'ascii', 'ansi_x3.4-1968', 'iso646-us', '7bit'])

const UTF_8 = new TextDecoder('utf-8')
const WINDOWS_1252 = new TextDecoder('windows-1252')

function guess(bytes: Uint8Array): Decoder {
  return isUtf8(bytes) ? UTF_8 : WINDOWS_1252
}

/** Without the bytes of a character that may go on in the next piece: at most three. */
function withoutCut(piece: Uint8Array): Uint8Array {
  for (let back = 1; back <= 3 && back <= piece.length; back++) {
    const byte = piece[piece.length - back] ?? 0
    if (byte < 0x80) break
    if (byte >= 0xc0) return piece.subarray(0, piece.length - back)
  }
  return piece
}

function charsetName(charset: string | undefined): string {
  const name = charset?.trim().toLowerCase() ?? ''
  return ALIASES.get(name) ?? name
}

/** undefined: TextDecoder does not know it. */
function decoderOf(name: string): Decoder | undefined {
  const found = decoders.get(name)
  if (found || name.length > MAX_NAME) return found
  for (const label of [name, name.replace(/^(?:x-)?(?:win|cp|ms)-?(?=125\d$)/, 'windows-'), name.replace(/^x-/, '')]) {
    try {
      const decoder = new TextDecoder(label)
      decoders.set(name, decoder)
      return decoder
    } catch {
      // A name that it does not know.
    }
  }
  return undefined
}

function decodePage(bytes: Uint8Array, page: string): string {
  return view(bytes)
    .toString('latin1')
    .replace(/[\x80-\xff]/g, high => page.charAt(high.charCodeAt(0) - 0x80))
}

/** Those for which there is no TextDecoder, or not quite the right one. */
const OWN: ReadonlyMap<string, (bytes: Uint8Array) => string> = new Map([
  ['utf-7', decodeUtf7],
  ['utf-16', decodeUtf16],
  ['utf-32', (bytes: Uint8Array) => decodeUtf32(bytes, bytes[0] === 0xff && bytes[1] === 0xfe)],
  ['utf-32be', (bytes: Uint8Array) => decodeUtf32(bytes, false)],
  ['utf-32le', (bytes: Uint8Array) => decodeUtf32(bytes, true)],
  ['iso-2022-kr', decodeIso2022Kr],
  ['hz-gb-2312', decodeHz],
])

/** RFC 2152: base64 of UTF-16BE between + and -. What is no valid shift sequence stays as it is. */
function decodeUtf7(bytes: Uint8Array): string {
  return view(bytes)
    .toString('latin1')
    .replace(/\+([A-Za-z0-9+/]*)-?/g, (written, base64: string) => {
      if (base64 === '') return written === '+-' ? '+' : written
      const units = Buffer.from(base64, 'base64')
      return units.length < 2
        ? written
        : units
            .subarray(0, units.length & ~1)
            .swap16()
            .toString('utf16le')
    })
}

/** RFC 2781 §4.3: the byte order mark says which; big-endian without one. */
function decodeUtf16(bytes: Uint8Array): string {
  const little = bytes[0] === 0xff && bytes[1] === 0xfe
  return (decoderOf(little ? 'utf-16le' : 'utf-16be') ?? UTF_8).decode(bytes)
}

function decodeUtf32(bytes: Uint8Array, little: boolean): string {
  const from = view(bytes)
  const points: string[] = []
  for (let at = 0; at + 4 <= from.length; at += 4) {
    const point = little ? from.readUInt32LE(at) : from.readUInt32BE(at)
    if (at === 0 && point === 0xfeff) continue
    points.push(point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd')
  }
  return points.join('')
}

/** RFC 1557: between SO and SI the bytes are those of EUC-KR without their high bit. */
function decodeIso2022Kr(bytes: Uint8Array): string {
  const shifted = view(bytes)
    .toString('latin1')
    .replaceAll('\x1b$)C', '')
    .replace(/\x0e([^\x0f\r\n]*)\x0f?/g, (_, text: string) => withHighBits(text))
  return (decoderOf('euc-kr') ?? UTF_8).decode(Buffer.from(shifted, 'latin1'))
}

/** RFC 1843: between ~{ and ~} the bytes are those of GB 2312 without their high bit. */
function decodeHz(bytes: Uint8Array): string {
  const shifted = view(bytes)
    .toString('latin1')
    .replace(/~(?:~|\r?\n|\{([^\r\n]*?)(?:~\}|(?=[\r\n])|$))/g, (written, text: string | undefined) => {
      if (text !== undefined) return withHighBits(text)
      return written === '~~' ? '~' : ''
    })
  return (decoderOf('gbk') ?? UTF_8).decode(Buffer.from(shifted, 'latin1'))
}

function withHighBits(text: string): string {
  return text.replace(/[\x21-\x7e]/g, low => String.fromCharCode(low.charCodeAt(0) | 0x80))
}
