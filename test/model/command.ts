/** A command of a client, what it does, and what its answer has to be. */
import assert from 'node:assert/strict'
import type { Random } from '../fuzz/random.ts'
import { pick } from './messages.ts'
import type { Model } from './model.ts'
import type { During, Mirror } from './mirror.ts'
import { numbersOf, type Response, setOf, type Value } from './response.ts'
import type { Uids } from './wire.ts'

export interface Command {
  /** RFC 9051 §7.5.1 asks for it; without UID. */
  readonly name: string
  readonly uid?: boolean
  /** Without the tag. Each part but the last ends with a literal that the server asks for. */
  readonly parts: readonly string[]
  /** What becomes of the mailboxes, in the moment in which it is on disk. `uids`: what it was done to, as far as the command leaves it open. */
  readonly effect?: (uids: Uids) => void
  /** What the client knows by the answer itself. `told`: whose flags it heard meanwhile. */
  readonly learn?: (answer: Answer) => void
  /** Throws where the answer is wrong. */
  readonly check?: (answer: Answer) => void
}

export interface Answer {
  readonly is: string
  readonly code: readonly Value[] | undefined
  readonly untagged: readonly Response[]
  readonly tag: string
  readonly during: During
  /** Nobody else changed anything since the command was sent. */
  readonly undisturbed: boolean
  /** And when it was sent its client knew all of its mailbox. */
  readonly certain: boolean
}

/** Who is about to say something. */
export interface Speaker {
  readonly random: Random
  readonly model: Model
  readonly mirror: Mirror
  readonly now: () => number
  /** See `World`. */
  readonly exact: boolean
}

export function isOk({ is, code }: Answer): void {
  assert.equal(is, 'OK', `it was refused: ${JSON.stringify(code)}`)
}

export function isRefused({ is, code }: Answer, expected: string): void {
  assert.equal(is, 'NO')
  assert.equal(code?.[0], expected)
}

/** The untagged responses of this name, as values behind it. */
export function responsesOf({ untagged }: Answer, name: string): (readonly Value[])[] {
  return untagged.filter(({ values }) => values[0] === name).map(({ values }) => values.slice(1))
}

/** A UID that no mail has. */
const ABSENT = 1_000_000

export interface ChosenSet {
  readonly text: string
  readonly uid: boolean
  /** Of mails that the client knows, ascending. */
  readonly uids: readonly number[]
}

/** Mails of the client, by number or UID. undefined: there are none, or their UIDs are not known. */
export function chooseSet({ random, mirror }: Speaker, uid = random(2) === 0): ChosenSet | undefined {
  const known = mirror.entries.map(entry => entry.uid ?? 0)
  if (known.length === 0 || known.includes(0)) return undefined
  if (random(12) === 0 && mirror.saved.length > 0)
    return { text: '$', uid, uids: known.filter(one => mirror.saved.includes(one)) }
  const share = pick(random, [1, 2, 2, 4, known.length])
  const chosen = known.flatMap((_, i) => (random(share) === 0 ? [i] : []))
  const places = chosen.length > 0 ? chosen : [random(known.length)]
  if (random(8) === 0) {
    const first = random(known.length)
    const number = uid ? known[first] : first + 1
    return { text: random(2) === 0 ? `${number}:*` : `*:${number}`, uid, uids: known.slice(first) }
  }
  const uids = places.map(place => known[place] ?? 0)
  const numbers = uid ? uids : places.map(place => place + 1)
  const absent = uid && random(8) === 0 ? `,${ABSENT + random(5)}` : ''
  const parts = setOf(numbers).split(',')
  if (random(6) === 0) parts.reverse()
  return { text: parts.join(',') + absent, uid, uids }
}

/** What the client calls these mails in a set. */
export function numbersFor({ mirror }: Speaker, uid: boolean, uids: readonly number[]): number[] {
  if (uid) return [...uids]
  return uids.map(one => mirror.entries.findIndex(entry => entry.uid === one) + 1).filter(seq => seq > 0)
}

export const withUid = (uid: boolean, name: string): string => (uid ? `UID ${name}` : name)

export function numbersIn(value: Value | undefined): number[] {
  return typeof value === 'string' ? numbersOf(value) : []
}

/** `sure`: what a command is done to in any case; `possible`: to more of these, if others meant them to be meanwhile. */
export function between(sure: readonly number[], done: Uids, possible: readonly number[]): readonly number[] {
  if (!done) return sure
  for (const uid of sure) assert.ok(done.includes(uid), `it was not done to UID ${uid}`)
  for (const uid of done) assert.ok(possible.includes(uid), `it was done to UID ${uid}`)
  return done
}

const SYSTEM = ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft'] as const
const KEYWORDS = ['$Work', '$Forwarded', 'later', 'Todo'] as const
/** Keywords that are seldom used: with all of them a mailbox has too many. */
const RARE = 70

/** As they are written. */
export function anyFlags(random: Random): string[] {
  const flags = new Set<string>()
  for (let n = random(4); n > 0; n--) flags.add(random(3) === 0 ? anyKeyword(random) : pick(random, SYSTEM))
  return [...flags]
}

export function anyKeyword(random: Random): string {
  if (random(3) === 0) return `k${random(RARE)}`
  const keyword = pick(random, KEYWORDS)
  return random(5) === 0 ? keyword.toUpperCase() : keyword
}

export const asSet = (flags: readonly string[]): ReadonlySet<string> => new Set(flags.map(flag => flag.toLowerCase()))

/** Names of mailboxes that are there, and some that are not. */
export function anyName({ random, model }: Speaker, missing = 8): string {
  if (random(missing) === 0) return pick(random, NAMES)
  return pick(random, [...model.boxes.keys(), 'INBOX', 'INBOX'])
}

export const NAMES = ['a', 'a/b', 'a/b/c', 'b', 'b/a', 'a0', 'INBOX/x', 'Trash/y'] as const
