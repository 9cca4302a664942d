import type { SearchKey, SearchProgram, SearchReturn } from '../../mail/search-key.ts'
import { esearchResponse, numbersResponse } from '../../imap/esearch.ts'
import { no } from './answers.ts'
import { useCondstore } from './condstore.ts'
import { find, inMailbox, respond, sequenceNumbers } from './found.ts'
import type { Executor, ImapSession, Selected, Tagged } from './session.ts'

/** Ranges of a result that a session keeps as `$`: every other mail of 100,000, in some megabytes. */
const MAX_SAVED = 50_000

const ALL: SearchReturn = { min: false, max: false, all: true, count: false, save: false, partial: undefined }

export const search: Executor<'SEARCH'> = (command, session) =>
  inMailbox(session, async (selected, scope) => {
    const found = await find(command.program, session, selected, scope)
    // RFC 9051 §6.4.4: with IMAP4rev2 every SEARCH is answered with ESEARCH.
    const returns = command.returns ?? (session.enabled.has('IMAP4REV2') ? ALL : undefined)
    return answer({ ...command, returns }, found, session, selected)
  })

export interface Question {
  readonly name: 'SEARCH' | 'SORT'
  readonly uid: boolean
  readonly returns: SearchReturn | undefined
  readonly program: SearchProgram
}

/** Says what was found (UIDs in the order in which they are told) in the form that was asked for, and saves it if that was asked for. */
export async function answer(
  question: Question,
  found: Uint32Array,
  session: ImapSession,
  selected: Selected,
): Promise<Tagged> {
  const { name, returns, program } = question
  const speaksOfModseq = searchesModseq(program.key)
  if (speaksOfModseq) useCondstore(session, selected)
  const modseqOf = (uids: Uint32Array): number | undefined =>
    speaksOfModseq && uids.length > 0 ? highestModseq(uids, selected) : undefined
  if (!returns) {
    const numbers = numbersOf(found, question, selected)
    await respond(numbersResponse(name, numbers, modseqOf(found)), session)
    return { is: 'OK', text: 'Done' }
  }
  if (returns.save && !save(referred(found, returns), session, selected)) {
    return no('NOTSAVED', 'There are too many to be saved') // RFC 5182 §2.5
  }
  const { min, max, all, count, partial } = saysNothing(returns) && !returns.save ? ALL : returns
  // RFC 5182 §2.1: saving alone is done without a word.
  if (!(min || max || all || count || partial)) return { is: 'OK', text: 'Done, and saved' }
  const part = partial && partOf(found, partial)
  const [lowest, highest] = numbersOf(endsOf(found), question, selected)
  await respond(
    esearchResponse({
      tag: session.tag,
      uid: question.uid,
      min: min ? lowest : undefined,
      max: max ? highest : undefined,
      all: all ? numbersOf(found, question, selected) : undefined,
      count: count ? found.length : undefined,
      partial: partial && part && { range: partial, numbers: numbersOf(part, question, selected) },
      modseq: modseqOf(referred(found, returns)),
    }),
    session,
  )
  return { is: 'OK', text: returns.save ? 'Done, and saved' : 'Done' }
}

const saysNothing = ({ min, max, all, count, partial }: SearchReturn): boolean =>
  !(min || max || all || count || partial)

function numbersOf(found: Uint32Array, { uid }: Question, selected: Selected): Uint32Array {
  return uid ? found : sequenceNumbers(found, selected)
}

/** The first and the last; RFC 5267 §3.1: in the order of SORT. */
function endsOf(found: Uint32Array): Uint32Array {
  const [first] = found
  return first === undefined ? found : Uint32Array.of(first, found[found.length - 1] ?? first)
}

/** RFC 9394 §3.1: at these places, counted from 1, or from the end with negative numbers; either may be the larger. */
function partOf(found: Uint32Array, [a, b]: readonly [number, number]): Uint32Array {
  const [low, high] = [Math.min(a, b), Math.max(a, b)]
  if (low > 0) return found.subarray(low - 1, high)
  return found.subarray(Math.max(0, found.length + low), Math.max(0, found.length + high + 1))
}

/**
 * What the answer refers to, which is what is saved and whose highest MODSEQ is told: RFC 5182 §2.4, RFC 9394 §3.2, RFC 4731 §3.2. MIN,
 * MAX and PARTIAL alone mean just what they return; with ALL or COUNT, or with nothing, it is everything.
 */
function referred(found: Uint32Array, returns: SearchReturn): Uint32Array {
  const { min, max, all, count, partial } = returns
  if (all || count || saysNothing(returns)) return found
  const [lowest, highest] = endsOf(found)
  const uids = new Set(partial ? partOf(found, partial) : [])
  if (min && lowest !== undefined) uids.add(lowest)
  if (max && highest !== undefined) uids.add(highest)
  return Uint32Array.from(uids)
}

/** RFC 5182 §2.1. false: it is too much, and nothing is saved. */
function save(found: Uint32Array, session: ImapSession, selected: Selected): boolean {
  const ascending = found.slice().sort()
  const seqs = sequenceNumbers(ascending, selected)
  const ranges: [first: number, last: number][] = []
  session.savedResult = []
  for (let i = 0; i < ascending.length; i++) {
    const uid = ascending[i] ?? 0
    const open = ranges.at(-1)
    if (open && seqs[i] === (seqs[i - 1] ?? 0) + 1) open[1] = uid
    else if (ranges.push([uid, uid]) > MAX_SAVED) return false
  }
  session.savedResult = ranges
  return true
}

function highestModseq(uids: Uint32Array, { view }: Selected): number {
  let highest = 0
  for (const uid of uids) {
    const place = view.indexOf(uid)
    if (place >= 0) highest = Math.max(highest, view.modseqAt(place))
  }
  return highest
}

/** RFC 7162 §3.1.5: the answer tells a MODSEQ if the question spoke of one. */
function searchesModseq(key: SearchKey): boolean {
  if (key.is === 'NOT') return searchesModseq(key.key)
  if (key.is === 'and' || key.is === 'OR') return key.keys.some(searchesModseq)
  return key.is === 'MODSEQ'
}
