/** RFC 9051 §9 seq-number: '*' is the largest in use. */
export type SeqNumber = number | '*'
export type SeqRange = readonly [SeqNumber, SeqNumber]
/** As written; `$`: the saved result (RFC 5182). */
export type SequenceSet = readonly SeqRange[] | '$'
/** A sequence set, resolved to UIDs: ascending, disjoint, both ends included; not every UID in between need exist. */
export type UidRange = readonly [first: number, last: number]
