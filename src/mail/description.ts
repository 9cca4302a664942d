/**
 * What is looked at again and again of a message, worked out once, when it arrives: its structure in the form in which IMAP sends it, the
 * byte ranges of its parts, and what it is sorted and searched by. `mail/describe.ts` makes it from the bytes.
 */
export interface Description {
  /** Bytes of the header with its empty line: the body begins there. Offsets are those of the content, without the `head` of a copy. */
  readonly header: number
  /** RFC 9051 §7.5.2, as sent: `("date" "subject" …)`, `(… BODY without extension data)`, and BODYSTRUCTURE with it. 8-bit text stands in literals. */
  readonly envelope: Uint8Array
  readonly body: Uint8Array
  readonly structure: Uint8Array
  readonly part: Part
  /** ms since 1970 of the Date field; undefined: none, or not a date. */
  readonly sent: number | undefined
  readonly sort: SortKeys
  /** RFC 8970 §3: at most 200 characters of its text, for lists. */
  readonly preview: string
  /** Of all the text that SEARCH TEXT looks at (`mail/signature.ts`); undefined: too large to be worked out, so it is always looked at itself. */
  readonly signature: Uint8Array | undefined
}

/** RFC 2045 §2.4: an entity, as ranges of the content. */
export interface Part {
  /** `text/plain`, in lower case. */
  readonly type: string
  /** Lower case; undefined: none given. */
  readonly charset: string | undefined
  /** RFC 2045 §6.1; `other`: one that we cannot decode. */
  readonly encoding: 'identity' | 'base64' | 'quoted-printable' | 'other'
  /** [start, body) is its header with the empty line, [body, end) its body. */
  readonly start: number
  readonly body: number
  readonly end: number
  /** Lines of the body of a text or a message/rfc822, which are sent; 0 for others. */
  readonly lines: number
  /** Of a multipart; of a message/rfc822: exactly one, the message in it. A multipart without any is sent as one with an empty text/plain. */
  readonly parts: readonly Part[]
}

/** RFC 5256 §2.1, §3: what SORT and THREAD compare, decoded and in the form in which it is compared. */
export interface SortKeys {
  /** Base subject. */
  readonly subject: string
  /** The subject said that it is an answer or was sent on. */
  readonly answer: boolean
  /** Local part of the first address of each. */
  readonly from: string
  readonly to: string
  readonly cc: string
  /** RFC 5957: the display name, or the address where there is none. */
  readonly displayFrom: string
  readonly displayTo: string
  /** RFC 5256 §3: message ids without angle brackets; of References, or the first of In-Reply-To. At most 100, the last ones. */
  readonly messageId: string
  readonly references: readonly string[]
}
