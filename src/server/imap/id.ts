import { readFileSync } from 'node:fs'
import { ok } from './answers.ts'
import type { ImapSession, Tagged } from './session.ts'

const ABOUT: { readonly version: string } = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
)

/** RFC 2971 §3.1. What the client says of itself is of no use to us, and kept nowhere. */
export function id(_: unknown, session: ImapSession): Tagged {
  session.write(`* ID ("name" "Staffetta" "vendor" "Staffetta" "version" "${ABOUT.version}")\r\n`)
  return ok('Pleased to meet you')
}
