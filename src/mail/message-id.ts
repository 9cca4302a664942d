/** RFC 5322 §3.6.4: the identifier of a message, with its angle brackets. */

/** Characters; RFC 5322 §2.1.1: no line is longer. */
const MAX_MESSAGE_ID = 998

// RFC 5322 §3.6.4: id-left "@" id-right; §4.5.4: also a quoted string to the left. RFC 6532 §3.2 adds UTF-8.
const ATEXT = "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~\\u00a0-\\ufffc\\-]"
const DOT_ATOM = `${ATEXT}+(?:\\.${ATEXT}+)*`
const QUOTED = '"(?:[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\[\\x20-\\x7e])*"'
const LITERAL = '\\[[\\x21-\\x5a\\x5e-\\x7e]*\\]'
const MESSAGE_ID = new RegExp(`^<(?:${DOT_ATOM}|${QUOTED})@(?:${DOT_ATOM}|${LITERAL})>$`)

/** A new one: `random` makes it unique in the world (RFC 5322 §3.6.4), so 16 bytes of it or more; `hostname` is ours. */
export function formatMessageId(random: Uint8Array, hostname: string): string {
  return `<${Buffer.from(random).toString('hex')}@${hostname}>`
}

/**
 * The first identifier in the value of Message-ID, In-Reply-To or the like, with its angle brackets; equal ones are equal
 * strings. undefined: there is none, or what is there is not one.
 */
export function parseMessageId(text: string): string | undefined {
  const start = skipComments(text)
  const end = text.indexOf('>', start) + 1
  if (text[start] !== '<' || end === 0 || end - start > MAX_MESSAGE_ID) return undefined
  const id = text.slice(start, end)
  return MESSAGE_ID.test(id) ? id : undefined
}

/** RFC 5322 §3.2.2: the offset after [CFWS]. */
function skipComments(text: string): number {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    if (character === '(') depth++
    else if (character === ')' && depth > 0) depth--
    else if (character === '\\' && depth > 0) at++
    else if (depth === 0 && !' \t\r\n'.includes(character)) return at
  }
  return text.length
}
