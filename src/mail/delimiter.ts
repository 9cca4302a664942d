/** RFC 2046 §5.1.1: the lines between the parts of a multipart. */

export interface Boundary {
  readonly text: Buffer
  /** The multipart's place among the entities that are open. */
  readonly at: number
}

/** Bytes of a boundary that are compared; some senders' are longer than the 70 that RFC 2046 §5.1.1 allows. */
const MAX_BOUNDARY = 1000
/** Bytes of a line that tell whether it is a delimiter: two hyphens before the boundary, two after it, the line end. */
export const MAX_DELIMITER = MAX_BOUNDARY + 6

const HYPHEN = 0x2d

/** `parameter`: the value of the boundary parameter, bytes as Latin-1 characters. */
export function boundaryOf(parameter: string, at: number): Boundary {
  return { text: Buffer.from(parameter.slice(0, MAX_BOUNDARY), 'latin1'), at }
}

/**
 * The boundary of the delimiter whose two hyphens end at `from` in a line that ends at `end`, without its line end. The line only has to begin
 * with the boundary; where several boundaries fit the longest does, the innermost (last) first. A line that ends with two hyphens may close
 * one boundary or open another that has them in its name.
 */
export function matchingBoundary(
  boundaries: readonly Boundary[],
  data: Buffer,
  from: number,
  end: number,
): Boundary | undefined {
  let best: Boundary | undefined
  for (let place = boundaries.length - 1; place >= 0; place--) {
    const boundary = boundaries[place]
    if (!boundary || (best && best.text.length >= boundary.text.length)) continue
    if (!beginsWith(data, from, end, boundary.text)) continue
    best = boundary
    const rest = end - from - boundary.text.length
    if (rest === 0 || (rest === 2 && isHyphens(data, end - 2))) break
  }
  return best
}

export function isHyphens(data: Buffer, at: number): boolean {
  return data[at] === HYPHEN && data[at + 1] === HYPHEN
}

/** Byte by byte: nearly always the first one differs, and a hostile message asks this for each of its lines and 50 boundaries. */
function beginsWith(data: Buffer, from: number, end: number, text: Buffer): boolean {
  if (text.length > end - from) return false
  for (let at = 0; at < text.length; at++) if (data[from + at] !== text[at]) return false
  return true
}
