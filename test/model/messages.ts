/** Messages that are made up of few words, so that searches find some of them, and what is asked of them is known. */
import type { Random } from '../fuzz/random.ts'
import type { Message } from './model.ts'

const WORDS = ['apple', 'pear', 'plum', 'grape', 'melon', 'fig', 'quince', 'peach'] as const
const NAMES = ['anna', 'bruno', 'carla', 'dario'] as const

export function pick<T>(random: Random, of: readonly T[]): T {
  const one = of[random(of.length)]
  if (one === undefined) throw new Error('nothing to choose from')
  return one
}

/** Some of them, in their order. */
export function some<T>(random: Random, of: readonly T[], share = 2): T[] {
  return of.filter(() => random(share) === 0)
}

export const anyWord = (random: Random): string => pick(random, WORDS)
export const anyName = (random: Random): string => pick(random, NAMES)

const DAY = 24 * 3_600_000
/** Days on which messages are sent. */
export const FIRST_DAY = Date.UTC(2026, 0, 1)
export const DAYS = 60

export function anyDay(random: Random): number {
  return FIRST_DAY + random(DAYS) * DAY
}

/** RFC 9051 §9 date */
export function dateText(day: number): string {
  const [, date, month, year] = new Date(day).toUTCString().split(' ')
  return `${Number(date)}-${month}-${year}`
}

export function makeMessage(random: Random): Message {
  const [subject, from] = [`${anyWord(random)} ${anyWord(random)}`, anyName(random)]
  const fromName = `${anyName(random)} x`
  const sent = anyDay(random) + random(24 * 3600) * 1000
  const fields = new Map([
    ['from', `"${fromName}" <${from}@example.com>`],
    ['to', `${anyName(random)}@home.test`],
    ['subject', random(3) === 0 ? `Re: ${subject}` : subject],
    ['date', new Date(sent).toUTCString().replace('GMT', '+0000')],
    ['message-id', `<${random(1e9)}@example.com>`],
    ...(random(3) === 0 ? [['x-fruit', anyWord(random)] as const] : []),
  ])
  const line = `${Array.from({ length: 1 + random(8) }, () => anyWord(random)).join(' ')}\r\n`
  const body = line.repeat(random(150) === 0 ? Math.ceil(300_000 / line.length) : random(5))
  const header = [...fields].map(([name, value]) => `${capital(name)}: ${value}\r\n`).join('')
  return { content: `${header}\r\n${body}`, fields, body, subject, from, fromName, sent }
}

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)
