import { constants, inflateRawSync } from 'node:zlib'

const FIRST = /^(?:\* |\+ |[^\0-\x20\x7f-\xff(){%*"\\+]+ (?:OK|NO|BAD) )/
const LINE = /^[^\0\r\n]*$/
const LITERAL = /~?\{(\d+)\}$/
const COMPRESSED = 'OK Compressed from here on\r\n'

/** What is wrong with what a server of IMAP said (RFC 9051 §9 response); undefined: nothing. `cut`: the last response may be unfinished. */
export function wrongResponses(said: Buffer, cut: boolean): string | undefined {
  const all = inflated(said)
  if (all === undefined) return 'what is compressed cannot be read'
  for (let at = 0; at < all.length; ) {
    const end = endOfResponse(all, at)
    if (end === undefined) return cut ? undefined : `unfinished: ${show(all.subarray(at))}`
    if (end < 0) return `not a line: ${show(all.subarray(-end - 1))}`
    if (!FIRST.test(all.toString('latin1', at, at + 300))) return `not a response: ${show(all.subarray(at))}`
    at = end
  }
  return undefined
}

/** undefined: it has none. Negative: the line that begins at that place (less one) is none. */
function endOfResponse(all: Buffer, start: number): number | undefined {
  for (let at = start; at <= all.length; ) {
    const end = all.indexOf('\r\n', at)
    if (end < 0) return undefined
    const line = all.toString('latin1', at, end)
    if (!LINE.test(line)) return -at - 1
    const size = LITERAL.exec(line)?.[1]
    if (size === undefined) return end + 2
    at = end + 2 + Number(size)
  }
  return undefined
}

/** RFC 4978: after the OK all is compressed. */
function inflated(said: Buffer): Buffer | undefined {
  const at = said.indexOf(COMPRESSED)
  if (at < 0) return said
  const from = at + COMPRESSED.length
  try {
    const rest = inflateRawSync(said.subarray(from), { finishFlush: constants.Z_SYNC_FLUSH })
    return Buffer.concat([said.subarray(0, from), rest])
  } catch {
    return undefined
  }
}

function show(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1', 0, 200))
}
