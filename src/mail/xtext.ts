/**
 * The encodings in which values of ESMTP parameters travel: xtext (RFC 3461 §4) for ENVID, ORCPT and AUTH, and the two forms of an
 * internationalised address (RFC 6533 §3) for ORCPT and for the fields of delivery reports.
 */
import { isUtf8 } from 'node:buffer'

const XTEXT = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/
const PRINTABLE = /^[\t\x20-\x7e]*$/

/** RFC 3461 §4: xtext. undefined: `text` is not printable US-ASCII, which §4.2 and §4.4 demand of it before encoding. */
export function encodeXtext(text: string): string | undefined {
  if (!PRINTABLE.test(text)) return undefined
  return text.replace(/[^!-*,-<>-~]/g, character => `+${hex(character.charCodeAt(0)).padStart(2, '0')}`)
}

/** RFC 3461 §4: what stands behind xtext. undefined: not xtext, or not printable US-ASCII behind it (§4.2, §4.4): no CR, LF, NUL. */
export function decodeXtext(xtext: string): string | undefined {
  if (!XTEXT.test(xtext)) return undefined
  const text = xtext.replace(/\+(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
  return PRINTABLE.test(text) ? text : undefined
}

/**
 * What Postfix (3.7) makes of an internationalised address in ORCPT: type rfc822, with the octets of its UTF-8 in xtext. No standard has
 * it, but who refuses it never gets that mail. undefined: not xtext, or not UTF-8 without control characters behind it.
 */
export function decodeUtf8Xtext(xtext: string): string | undefined {
  if (!XTEXT.test(xtext)) return undefined
  const octets = xtext.replace(/\+(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
  const bytes = Buffer.from(octets, 'latin1')
  const text = bytes.toString()
  return isUtf8(bytes) && isClean(text) ? text : undefined
}

/**
 * RFC 6533 §3: utf-8-addr-xtext, the 7-bit form of an internationalised address (`\x{3B1}@example.org`), for hosts without SMTPUTF8.
 * undefined: the address has control characters or lone surrogates.
 */
export function encodeUtf8AddrXtext(address: string): string | undefined {
  return isClean(address) ? address.replace(/[^!-*,-<>-[\]-~]/gu, embed) : undefined
}

/** RFC 6533 §3: utf-8-addr-unitext, the form for hosts with SMTPUTF8. undefined: as for `encodeUtf8AddrXtext`. */
export function encodeUtf8AddrUnitext(address: string): string | undefined {
  return isClean(address) ? address.replace(/[ +=\\]/g, embed) : undefined
}

/**
 * RFC 6533 §3: utf-8-enc-addr, any of its three forms (so `+` and `=` may stand for themselves). undefined: none of them, or control
 * characters behind it, which are in the grammar of HEXPOINT but in no Mailbox.
 */
export function decodeUtf8Addr(text: string): string | undefined {
  if (text === '' || /\s/.test(text)) return undefined
  let valid = true
  const address = text.replace(/\\(?:x\{([0-9A-F]{2,6})\})?/g, (_, digits: string | undefined) => {
    const code = digits === undefined ? undefined : hexPoint(digits)
    valid &&= code !== undefined
    return code === undefined ? '' : String.fromCodePoint(code)
  })
  return valid && isClean(address) ? address : undefined
}

function embed(character: string): string {
  return `\\x{${hex(character.codePointAt(0) ?? 0)}}`
}

/** RFC 6533 §3: HEXPOINT: no leading zeros, no surrogates, and of ASCII only what may not stand for itself. */
function hexPoint(digits: string): number | undefined {
  const code = Number.parseInt(digits, 16)
  if (digits.startsWith('0') || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined
  return code >= 0x80 || /^(?:20|2B|3D|5C)$/.test(digits) ? code : undefined
}

function isClean(text: string): boolean {
  return text.isWellFormed() && !/[\x00-\x1f\x7f-\x9f]/.test(text)
}

function hex(code: number): string {
  return code.toString(16).toUpperCase()
}
