import { bad, type Cursor, decodeUtf8, octetsOf, refuse } from './parser.ts'

/** Makes text of octets, given one character each. */
export type Decoder = (octets: string) => string

/** Both, because clients that say nothing, or US-ASCII, send UTF-8. */
const UTF8 = new Set(['UTF-8', 'UTF8', 'US-ASCII', 'ASCII'])

/** The decoder of a charset (in upper case; undefined: none was given); the cursor fails where we don't have it. */
export function decoderOf(c: Cursor, charset: string | undefined): Decoder {
  if (charset === undefined || UTF8.has(charset)) return octets => decoded(c, decodeUtf8(octets))
  const decode = decoderNamed(charset)
  // RFC 9051 §6.4.4, §7.1: with what we would rather have
  if (!decode) refuse(c, 'BADCHARSET (UTF-8 US-ASCII ISO-8859-1)', 'That charset is not known here')
  return octets => decoded(c, decode ? decode(octets) : '')
}

function decoded(c: Cursor, text: string | undefined): string {
  if (text === undefined) bad(c, `A text in ${c.name} is not in the charset that it is said to be in`)
  return text ?? ''
}

/** A TextDecoder says no only by throwing: for its name, and for octets that are not of it. */
function decoderNamed(charset: string): ((octets: string) => string | undefined) | undefined {
  try {
    const decoder = new TextDecoder(charset, { fatal: true })
    return octets => {
      try {
        return decoder.decode(octetsOf(octets))
      } catch {
        return undefined
      }
    }
  } catch {
    return undefined
  }
}
