/** RFC 9051 §7.2.2: what we can do, and say that we can; each is done in a file of `server/imap/`. */

const ALWAYS = ['IMAP4rev1', 'IMAP4rev2', 'SASL-IR', 'LITERAL+', 'ID', 'ENABLE', 'IDLE']

const LOGGED_IN = [
  'NAMESPACE', // RFC 2342
  'CHILDREN', // RFC 3348
  'LIST-EXTENDED', // RFC 5258
  'LIST-STATUS', // RFC 5819
  'LIST-MYRIGHTS', // RFC 8440
  'LIST-METADATA', // RFC 9590
  'SPECIAL-USE', // RFC 6154
  'CREATE-SPECIAL-USE',
  'STATUS=SIZE', // RFC 8438
  'UIDPLUS', // RFC 4315
  'UNSELECT', // RFC 3691
  'MOVE', // RFC 6851
  'MULTIAPPEND', // RFC 3502
  'REPLACE', // RFC 8508
  'BINARY', // RFC 3516
  'CONDSTORE', // RFC 7162
  'QRESYNC',
  'ESEARCH', // RFC 4731
  'SEARCHRES', // RFC 5182
  'WITHIN', // RFC 5032
  'PARTIAL', // RFC 9394
  'SORT', // RFC 5256
  'SORT=DISPLAY', // RFC 5957
  'ESORT', // RFC 5267
  'THREAD=ORDEREDSUBJECT',
  'THREAD=REFERENCES',
  'OBJECTID', // RFC 8474
  'SAVEDATE', // RFC 8514
  'PREVIEW', // RFC 8970
  'QUOTA', // RFC 9208
  'QUOTA=RES-STORAGE',
  'QUOTA=RES-MESSAGE',
  'ACL', // RFC 4314
  'RIGHTS=texk',
  'METADATA', // RFC 5464
  'NOTIFY', // RFC 5465
  'UTF8=ACCEPT', // RFC 6855
  'UNAUTHENTICATE', // RFC 8437
]

export interface Situation {
  readonly loggedIn: boolean
  /** TLS can be begun. */
  readonly startTls: boolean
  /** A password may be sent now. */
  readonly mayLogIn: boolean
  /** Bytes of one message. */
  readonly messageSize: number
  readonly compressed: boolean
}

/** Without the word CAPABILITY. */
export function capabilities({ loggedIn, startTls, mayLogIn, messageSize, compressed }: Situation): string {
  if (!loggedIn) {
    // RFC 9051 §6.2.3: LOGINDISABLED where LOGIN would be refused.
    const login = mayLogIn ? ['AUTH=PLAIN', 'AUTH=LOGIN'] : ['LOGINDISABLED']
    return [...ALWAYS, ...(startTls ? ['STARTTLS'] : []), ...login].join(' ')
  }
  // RFC 7889 §2; RFC 4978 §3: not a second time.
  return [...ALWAYS, ...LOGGED_IN, `APPENDLIMIT=${messageSize}`, ...(compressed ? [] : ['COMPRESS=DEFLATE'])].join(' ')
}
