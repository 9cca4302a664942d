import { type Content, contentSize } from '../../mail/content.ts'
import type { OperationName } from '../operations.ts'
import type { Asked } from '../wire.ts'
import { PAGE_SIZE } from './database.ts'

/** Bytes of a description, of the columns of a mail, and of the rest of an operation, about. */
const DESCRIPTION = 3000
const REST = 1000
/** What copying a thousand mails writes, about. */
const COPY = 200_000

/** Bytes that an operation takes in memory and in the log, about. */
export function sizeOf(asked: Asked): number {
  if (asked.name === 'submit') return REST + inMemory(asked.input.content)
  if (asked.name === 'append')
    return asked.input.messages.reduce((sum, { content }) => sum + DESCRIPTION + inMemory(content), REST)
  if (asked.name === 'describe') return asked.input.length * DESCRIPTION + REST
  if (asked.name === 'index') return asked.input.rows.reduce((sum, row) => sum + row.length, REST)
  return asked.name === 'copy' ? COPY : REST / 2
}

function inMemory(content: Content): number {
  return content.in === 'memory' ? contentSize(content) : content.head.length
}

/** Operations that take in what is new, and are refused where the disk is full; the others are needed to make room. */
const TAKES_IN: ReadonlySet<OperationName> = new Set(['submit', 'append', 'copy', 'describe', 'index'])

/** Bytes that it takes on the disk, about: the pages around it are written to the log with it. 0: it is done in any case. */
export function roomFor(asked: Asked): number {
  return TAKES_IN.has(asked.name) ? sizeOf(asked) + 2 * PAGE_SIZE : 0
}
