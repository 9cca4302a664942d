/** Listings for people: aligned, coloured on a terminal, and no wider than it; in a pipe nothing is cut off. */
import { stripVTControlCharacters, styleText } from 'node:util'

export interface Column<Row> {
  readonly head: string
  readonly of: (row: Row) => string
  readonly align?: 'right'
  /** On a narrow terminal it may be cut down to so many characters. */
  readonly atLeast?: number
  readonly style?: (row: Row) => Style
}

export type Style = Parameters<typeof styleText>[0]

/** Colours and widths differ with what the output is. */
export interface Terminal {
  /** Characters of a line; Infinity: there is no limit. */
  readonly width: number
  readonly colours: boolean
}

const WIDTH = { least: 40, most: 120 } as const

/** Of the standard output. */
export function terminal(): Terminal {
  const { isTTY, columns } = process.stdout
  if (!isTTY) return { width: Number.POSITIVE_INFINITY, colours: false }
  const colours = process.env['NO_COLOR'] === undefined || process.env['NO_COLOR'] === ''
  return { width: Math.max(WIDTH.least, Math.min(WIDTH.most, columns)), colours }
}

export function styled(text: string, style: Style, { colours }: Terminal): string {
  return colours ? styleText(style, text, { validateStream: false }) : text
}

const GAP = '  '

/** A heading and a line for each row. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], on: Terminal): string {
  const cells = rows.map(row => columns.map(column => printable(column.of(row))))
  const wanted = columns.map(({ head }, i) => Math.max(widthOf(head), ...cells.map(line => widthOf(line[i] ?? ''))))
  const widths = fitted(columns, wanted, on.width)
  const line = (texts: readonly string[], style: (i: number) => Style | undefined): string =>
    texts
      .map((text, i) => {
        const last = i === columns.length - 1
        const padded = pad(cutText(text, widths[i] ?? 0), widths[i] ?? 0, columns[i]?.align, last)
        const look = style(i)
        return look === undefined ? padded : styled(padded, look, on)
      })
      .join(GAP)
      .trimEnd()
  const heads = line(
    columns.map(({ head }) => head),
    () => 'bold',
  )
  const lines = cells.map((texts, n) => {
    const row = rows[n]
    return line(texts, i => (row === undefined ? undefined : columns[i]?.style?.(row)))
  })
  return [heads, ...lines].join('\n')
}

/** What is too much is taken from the widest column that may be cut, a character at a time. */
function fitted<Row>(columns: readonly Column<Row>[], wanted: readonly number[], width: number): number[] {
  const widths = [...wanted]
  const total = (): number => widths.reduce((sum, each) => sum + each, GAP.length * (widths.length - 1))
  while (total() > width) {
    let widest = -1
    for (let i = 0; i < widths.length; i++) {
      const spare = (widths[i] ?? 0) > (columns[i]?.atLeast ?? Number.POSITIVE_INFINITY)
      if (spare && (widest < 0 || (widths[i] ?? 0) > (widths[widest] ?? 0))) widest = i
    }
    if (widest < 0) return widths
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return widths
}

function pad(text: string, width: number, align: 'right' | undefined, last: boolean): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)))
  if (align === 'right') return space + text
  return last ? text : text + space
}

/** With an ellipsis where it is wider. */
export function cutText(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let short = ''
  for (const { segment } of SEGMENTS.segment(text)) {
    if (widthOf(short + segment) > width - 1) break
    short += segment
  }
  return `${short}…`
}

/**
 * Lines of at most `width` characters, broken at spaces where that is possible; all but the first are indented. `used`: what stands before
 * the first already.
 */
export function wrap(text: string, width: number, indent: string, used = 0): string {
  const lines: string[] = []
  let line = ''
  let room = width - used
  for (const word of printable(text).split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && widthOf(longer) > room) {
      lines.push(line)
      line = word
      room = width - indent.length
    } else line = longer
  }
  return [...lines, line].join(`\n${indent}`)
}

/** What a peer or a sender wrote must not move the cursor. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
}

const SEGMENTS = new Intl.Segmenter()
/** Characters that take two columns: East Asian wide ones and pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u

/** In columns of a terminal. */
export function widthOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of SEGMENTS.segment(text)) width += WIDE.test(segment) ? 2 : 1
  return width
}
