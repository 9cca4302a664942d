import { knownSet, mailbox, modSequence } from '../arguments.ts'
import type { QresyncParameter, Select } from '../command.ts'
import { bad, close, type Cursor, list, nzNumber, oneOf, open, peek, space, take } from '../parser.ts'

/** RFC 9051 §6.3.2, RFC 4466 §2.1: SELECT SP mailbox [SP "(" select-param *(SP select-param) ")"] */
export function select(name: Select['name']): (c: Cursor) => Select {
  return c => {
    space(c)
    const selected = mailbox(c)
    let condstore = false
    let qresync: QresyncParameter | undefined
    const parameter = (): void => {
      const which = oneOf(c, ['CONDSTORE', 'QRESYNC'], 'CONDSTORE or QRESYNC')
      if (which === 'CONDSTORE')
        condstore = true // RFC 7162 §3.1.8
      else if (qresync) bad(c, 'QRESYNC is given twice')
      else qresync = qresyncParameter(c)
    }
    if (take(c, ' ')) list(c, parameter, 'some')
    return { name, mailbox: selected, condstore, qresync }
  }
}

/** RFC 7162 §3.2.5: "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")" */
function qresyncParameter(c: Cursor): QresyncParameter {
  space(c)
  open(c)
  const uidValidity = nzNumber(c, 'A UIDVALIDITY')
  space(c)
  const modseq = modSequence(c)
  let knownUids: QresyncParameter['knownUids']
  let match: QresyncParameter['match']
  let more = take(c, ' ')
  if (more && peek(c) !== '(') {
    knownUids = knownSet(c)
    more = take(c, ' ')
  }
  if (more) match = seqMatchData(c)
  close(c)
  return { uidValidity, modseq, knownUids, match }
}

/** RFC 7162 §3.2.5.2: "(" known-sequence-set SP known-uid-set ")" */
function seqMatchData(c: Cursor): QresyncParameter['match'] {
  open(c)
  const seqs = knownSet(c)
  space(c)
  const uids = knownSet(c)
  close(c)
  return { seqs, uids }
}
