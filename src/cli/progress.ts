/** How far long work is, in one line of a terminal that is written over again. */
import { cutText, printable } from './table.ts'
import { count, sizeText } from './words.ts'

export interface Progress {
  /** `where`: what is being worked on. */
  show(messages: number, bytes: number, where: string): void
  /** The line is gone. */
  end(): void
}

/** ms between two looks. */
const INTERVAL = 200

/** Of the standard error; shows nothing where that is no terminal. */
export function openProgress(now: () => number = Date.now): Progress {
  const { stderr } = process
  if (!stderr.isTTY) return { show: () => undefined, end: () => undefined }
  const began = now()
  let shown = began
  let visible = false
  return {
    show(messages, bytes, where) {
      if (now() - shown < INTERVAL) return
      shown = now()
      visible = true
      const rate = Math.round(messages / ((shown - began) / 1000))
      const text = `${count(messages, 'message')}, ${sizeText(bytes)}, ${rate.toLocaleString('en')}/s  ${printable(where)}`
      stderr.write(`\r\u001b[K${cutText(text, stderr.columns - 1)}`)
    },
    end() {
      if (visible) stderr.write('\r\u001b[K')
      visible = false
    },
  }
}
