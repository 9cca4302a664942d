/** RFC 9051 §6.4.5: what FETCH can be asked for. Macros (ALL, FAST, FULL) are resolved by the parser. */
export type FetchItem =
  | {
      readonly item:
        | 'ENVELOPE'
        | 'FLAGS'
        | 'INTERNALDATE'
        | 'RFC822.SIZE'
        | 'UID'
        | 'BODY' // the structure without extension data
        | 'BODYSTRUCTURE'
        | 'MODSEQ' // RFC 7162
        | 'EMAILID' // RFC 8474
        | 'THREADID'
        | 'SAVEDATE' // RFC 8514
    }
  /** RFC 8970 */
  | { readonly item: 'PREVIEW'; readonly lazy: boolean }
  /** RFC822, RFC822.HEADER, RFC822.TEXT: answered under their own names. */
  | { readonly item: 'RFC822' | 'RFC822.HEADER' | 'RFC822.TEXT' }
  | {
      readonly item: 'BODY[]'
      readonly section: Section
      readonly peek: boolean
      readonly partial: Partial | undefined
    }
  /** RFC 3516: decoded; only part numbers. */
  | {
      readonly item: 'BINARY[]'
      readonly part: readonly number[]
      readonly peek: boolean
      readonly partial: Partial | undefined
    }
  | { readonly item: 'BINARY.SIZE[]'; readonly part: readonly number[] }

/** <origin.octets> */
export interface Partial {
  readonly origin: number
  readonly octets: number
}

/** `part` empty: of the message itself. `all`: nothing behind the part numbers. */
export interface Section {
  readonly part: readonly number[]
  readonly text:
    | { readonly is: 'all' | 'HEADER' | 'TEXT' | 'MIME' }
    /** Names as they were asked for. */
    | { readonly is: 'HEADER.FIELDS' | 'HEADER.FIELDS.NOT'; readonly fields: readonly string[] }
}

export interface FetchModifiers {
  /** RFC 7162 §3.1.4 */
  readonly changedSince: number | undefined
  /** RFC 7162 §3.2.6 */
  readonly vanished: boolean
  /** RFC 9394 §3.2: of the messages that are found, these places; from the end when negative. */
  readonly partial: readonly [number, number] | undefined
}
