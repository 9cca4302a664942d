/** RFC 5256 §2.1: the subject without what answering and forwarding added to it. */

export interface BaseSubject {
  readonly text: string
  /** It was an answer, or sent on: step 6 of §2.1 and §3 (REFERENCES) ask for it. */
  readonly answer: boolean
}

/** Characters of a subject that are looked at. */
const MAX_SUBJECT = 2000

// RFC 5256 §5: the pieces of a subject. subj-blob = "[" *BLOBCHAR "]" *WSP
const BLOB = /^\[[^[\]]*\][ \t]*/
// subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
const REFWD = /^(?:re|fwd?)[ \t]*(?:\[[^[\]]*\][ \t]*)?:/i
// subj-leader = (*subj-blob subj-refwd) / WSP; subj-trailer = "(fwd)" / WSP
const TRAILER = /(?:\(fwd\)|[ \t])+$/i
const FORWARDED = /^\[fwd:/i

/** `subject`: decoded (RFC 2047) and unfolded. */
export function baseSubject(subject: string): BaseSubject {
  // (1): tabs and continuations are spaces, and several are one.
  let text = subject.slice(0, MAX_SUBJECT).replace(/\s+/g, ' ')
  let answer = false
  for (;;) {
    const trailer = trailerStart(text) // (2)
    answer ||= trailer < text.trimEnd().length
    text = text.slice(0, trailer)
    const leader = withoutLeaders(text) // (3), (4), (5)
    answer ||= leader.answer
    text = leader.text
    // (6): "[fwd:" … "]", and from (2) again
    if (!FORWARDED.test(text) || !text.endsWith(']')) return { text, answer }
    text = text.slice('[fwd:'.length, -1)
    answer = true
  }
}

function trailerStart(text: string): number {
  // Most subjects have none, and the pattern would begin at each space.
  const last = text.at(-1)
  if (last !== ')' && last !== ' ') return text.length
  return text.length - (TRAILER.exec(text)?.[0].length ?? 0)
}

function withoutLeaders(subject: string): BaseSubject {
  let text = subject
  let answer = false
  for (;;) {
    text = text.trimStart()
    let [at, lastBlob] = [0, 0]
    for (let blob = BLOB.exec(text); blob; blob = BLOB.exec(text.slice(at))) {
      lastBlob = at
      at += blob[0].length
    }
    const refwd = REFWD.exec(text.slice(at))
    // (4): blobs go if something is left.
    if (!refwd) return { text: text.slice(at < text.length ? at : lastBlob), answer }
    answer = true
    text = text.slice(at + refwd[0].length)
  }
}
