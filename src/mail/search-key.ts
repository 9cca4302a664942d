import type { SequenceSet } from './sequence-set.ts'

/** RFC 9051 §6.4.4: a search, as its charset and one key. */
export interface SearchProgram {
  /** Upper case; undefined: not given. Texts are decoded with it already; a charset we don't have is refused by the parser. */
  readonly charset: string | undefined
  readonly key: SearchKey
}

export type SearchKey =
  | { readonly is: 'ALL' }
  | { readonly is: 'and'; readonly keys: readonly SearchKey[] }
  | { readonly is: 'OR'; readonly keys: readonly [SearchKey, SearchKey] }
  | { readonly is: 'NOT'; readonly key: SearchKey }
  | { readonly is: 'set'; readonly uid: boolean; readonly set: SequenceSet }
  /** SEEN, ANSWERED, FLAGGED, DELETED, DRAFT (bits of `mail/flags.ts`); UNSEEN and the like are NOT of them. */
  | { readonly is: 'flag'; readonly bit: number }
  | { readonly is: 'keyword'; readonly keyword: string }
  /** RFC 3501: RECENT; OLD is NOT of it, NEW both of RECENT and UNSEEN. */
  | { readonly is: 'RECENT' }
  /** BEFORE, ON, SINCE: internal date; SENT…: of the Date field; SAVED… (RFC 8514). `day`: ms since 1970 of its midnight, without regard to zones. */
  | {
      readonly is: 'date'
      readonly of: 'at' | 'sent' | 'saved'
      readonly how: 'before' | 'on' | 'since'
      readonly day: number
    }
  /** RFC 5032: seconds. */
  | { readonly is: 'OLDER' | 'YOUNGER'; readonly seconds: number }
  | { readonly is: 'LARGER' | 'SMALLER'; readonly octets: number }
  /** BODY and TEXT. */
  | { readonly is: 'BODY' | 'TEXT'; readonly text: string }
  /** BCC, CC, FROM, SUBJECT, TO are HEADER of that name, in lower case; '' fits each message that has the field. */
  | { readonly is: 'HEADER'; readonly field: string; readonly text: string }
  /** RFC 7162 §3.1.5 */
  | { readonly is: 'MODSEQ'; readonly modseq: number }
  /** RFC 8474 */
  | { readonly is: 'EMAILID' | 'THREADID'; readonly id: string }
  /** RFC 8514: the mailbox keeps save dates. */
  | { readonly is: 'SAVEDATESUPPORTED' }

/** RFC 4731, RFC 5182, RFC 9394. An empty RETURN () is ALL. */
export interface SearchReturn {
  readonly min: boolean
  readonly max: boolean
  readonly all: boolean
  readonly count: boolean
  readonly save: boolean
  readonly partial: readonly [number, number] | undefined
}

/** RFC 5256 §3, RFC 5957 */
export type SortKey = 'ARRIVAL' | 'CC' | 'DATE' | 'FROM' | 'SIZE' | 'SUBJECT' | 'TO' | 'DISPLAYFROM' | 'DISPLAYTO'
