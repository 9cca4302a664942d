const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/**
 * RFC 4648 §4, and nothing more: no white space, no missing padding, no bits after the last octet (§3.5).
 * undefined: not base64.
 */
export function decodeBase64(text: string): Buffer | undefined {
  if (!BASE64.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  return text.endsWith('=') && bytes.toString('base64') !== text ? undefined : bytes
}

export function encodeBase64(text: string): string {
  return Buffer.from(text).toString('base64')
}
