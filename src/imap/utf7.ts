/** RFC 3501 §5.1.3: modified UTF-7, in which mailbox names are written where UTF-8 is not agreed upon. */

const PRINTABLE = /^[\x20-\x7e]*$/
const SHIFTED = /&|[^\x20-\x7e]+/g
const BASE64 = /^[A-Za-z0-9+,]+$/

/** Any text; half surrogates come out as something that is not decoded again. */
export function encodeUtf7(text: string): string {
  return text.replace(SHIFTED, part => (part === '&' ? '&-' : `&${encodeBase64(part)}-`))
}

/** undefined: not modified UTF-7. There is only one way to write a name, so that a name cannot be there twice. */
export function decodeUtf7(text: string): string | undefined {
  if (!PRINTABLE.test(text)) return undefined
  let decoded = ''
  let at = 0
  let shifted = -1 // where the last shift ended
  for (let start = text.indexOf('&'); start !== -1; start = text.indexOf('&', at)) {
    const end = text.indexOf('-', start)
    if (end === -1) return undefined
    decoded += text.slice(at, start)
    at = end + 1
    if (end === start + 1) {
      decoded += '&'
      continue
    }
    const part = decodeBase64(text.slice(start + 1, end))
    // RFC 3501 §5.1.3: superfluous shifts are not permitted, `&U,BTFw-&ZeVnLIqe-` is one.
    if (part === undefined || shifted === start) return undefined
    decoded += part
    shifted = at
  }
  return decoded + text.slice(at)
}

/** RFC 3501 §5.1.3: base64 of UTF-16BE, with `,` for `/`, without padding. */
function encodeBase64(text: string): string {
  return Buffer.from(text, 'utf16le').swap16().toString('base64').replaceAll('=', '').replaceAll('/', ',')
}

function decodeBase64(text: string): string | undefined {
  if (!BASE64.test(text)) return undefined
  const bytes = Buffer.from(text.replaceAll(',', '/'), 'base64')
  if (bytes.length % 2 === 1) return undefined
  const decoded = bytes.swap16().toString('utf16le')
  // RFC 3501 §5.1.3: printable US-ASCII represents itself. Written back, it shows bits that are too many.
  if (/[\x20-\x7e]/.test(decoded) || !decoded.isWellFormed()) return undefined
  return encodeBase64(decoded) === text ? decoded : undefined
}
