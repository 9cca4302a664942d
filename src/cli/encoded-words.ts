import libmime from 'libmime'

/** RFC 2047: '=?utf-8?Q?Gr=C3=BC=C3=9Fe?=' as it was meant. What can't be decoded stays as it is. */
export function decodeWords(text: string): string {
  try {
    return libmime.decodeWords(text)
  } catch {
    return text
  }
}
