import {
  AUTHENTIC_DATA,
  type Answer as PacketRecord,
  RECURSION_DESIRED,
  type TxtData,
  decode,
  encode,
} from 'dns-packet'

/** DNS messages in our words. The only file that knows dns-packet. */

export type RecordType = 'A' | 'AAAA' | 'MX' | 'TXT' | 'PTR'

export interface Question {
  /** In lower case, without the final dot. */
  readonly name: string
  readonly type: RecordType
}

export interface Query extends Question {
  readonly id: number
  readonly bytes: Buffer
}

export interface Response {
  /** RFC 1035 §4.1.1, with the upper bits of RFC 6891 §6.1.3. */
  readonly rcode: number
  readonly truncated: boolean
  /** The AA bit. */
  readonly authoritative: boolean
  /** The AD bit, as the server set it. */
  readonly authentic: boolean
  readonly answers: readonly ResourceRecord[]
  /** RFC 2308 §5: seconds that a negative answer may be remembered; undefined without SOA. */
  readonly negativeTtl: number | undefined
  /** NS records without SOA: 'ask those instead', which is not an answer. */
  readonly referral: boolean
}

/** `name` in lower case; ttl in seconds; names in `data` and `exchange` as they came, '.' for the root. */
export type ResourceRecord =
  | {
      readonly type: 'A' | 'AAAA' | 'CNAME' | 'PTR' | 'TXT'
      readonly name: string
      readonly ttl: number
      readonly data: string
    }
  | {
      readonly type: 'MX'
      readonly name: string
      readonly ttl: number
      readonly preference: number
      readonly exchange: string
    }

/** RFC 1035 §4.1.1, RFC 6895 §2.3 */
export const RCODE = { noError: 0, formErr: 1, servFail: 2, nxDomain: 3, notImp: 4, refused: 5 } as const

/** Bytes: what we take in one datagram. RFC 6891 §6.2.5; 1232 is what passes everywhere without fragments (DNS flag day 2020). */
const UDP_PAYLOAD = 1232

/** `edns: false` for servers that do not know it (RFC 6891 §6.2.2). */
export function writeQuery(id: number, question: Question, edns: boolean): Query {
  const opt: PacketRecord = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: UDP_PAYLOAD,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  }
  const bytes = encode({
    type: 'query',
    id,
    // RFC 6840 §5.7: AD in a query asks for the AD bit, without the signatures that DO would bring
    flags: RECURSION_DESIRED | AUTHENTIC_DATA,
    questions: [{ name: question.name, type: question.type, class: 'IN' }],
    additionals: edns ? [opt] : [],
  })
  return { ...question, id, bytes }
}

/**
 * Reads what came back. `foreign`: not for this query (other id or question), so the true answer may still come;
 * `malformed`: for this query, but not readable. A truncated response has no records: what is there is not to be used (RFC 2181 §9).
 */
export function readResponse(bytes: Buffer, query: Query): Response | 'foreign' | 'malformed' {
  const head = readHead(bytes)
  if (head === undefined || head.id !== query.id || !head.isResponse) return 'foreign'
  if (!answersQuestion(head, query)) return 'foreign'
  const bits = { truncated: head.truncated, authoritative: head.authoritative, authentic: head.authentic }
  if (head.truncated) return { ...bits, rcode: head.rcode, answers: [], negativeTtl: undefined, referral: false }
  const packet = decodeWhole(bytes)
  if (packet === undefined) return 'malformed'
  const authorities = packet.authorities ?? []
  const negativeTtl = findNegativeTtl(authorities)
  return {
    ...bits,
    rcode: head.rcode | (findExtendedRcode(packet.additionals ?? []) << 4),
    answers: (packet.answers ?? []).flatMap(readRecord),
    negativeTtl,
    referral: negativeTtl === undefined && authorities.some(record => record.type === 'NS'),
  }
}

interface Head {
  readonly id: number
  readonly isResponse: boolean
  readonly rcode: number
  readonly truncated: boolean
  readonly authoritative: boolean
  readonly authentic: boolean
  readonly questions: readonly { readonly name: string; readonly type: string; readonly class?: string | undefined }[]
}

/** Header and question alone, so that a message cut short behind them can still be told from a stranger's. */
function readHead(bytes: Buffer): Head | undefined {
  if (bytes.length < 12) return undefined
  const questions = bytes.readUInt16BE(4)
  const head = Buffer.from(bytes)
  head.writeUInt16BE(Math.min(questions, 2), 4)
  head.fill(0, 6, 12) // no answers, authorities, additionals
  const packet = decodeWhole(head)
  if (packet === undefined) return undefined
  return {
    id: bytes.readUInt16BE(0),
    isResponse: packet.flag_qr,
    rcode: bytes.readUInt16BE(2) & 0xf,
    truncated: packet.flag_tc,
    authoritative: packet.flag_aa,
    authentic: packet.flag_ad,
    questions: packet.questions ?? [],
  }
}

/** RFC 5452 §9.1: the question must be ours. A server that only says no may leave it out (RFC 6891 §7: FORMERR of old ones). */
function answersQuestion(head: Head, query: Query): boolean {
  const [question, ...more] = head.questions
  if (question === undefined) return head.rcode !== RCODE.noError && head.rcode !== RCODE.nxDomain
  return (
    more.length === 0 &&
    question.type === query.type &&
    question.class === 'IN' &&
    question.name.toLowerCase() === query.name // RFC 4343: names are compared without case
  )
}

function decodeWhole(bytes: Buffer): ReturnType<typeof decode> | undefined {
  try {
    const packet = decode(bytes)
    // A record may claim more bytes than there are; dns-packet cuts it short without a word.
    return decode.bytes <= bytes.length ? packet : undefined
  } catch {
    return undefined
  }
}

function findNegativeTtl(authorities: readonly PacketRecord[]): number | undefined {
  for (const record of authorities) {
    // RFC 2308 §5: the minimum of the SOA's MINIMUM field and its own TTL
    if (record.type === 'SOA') return Math.min(readTtl(record.ttl), readTtl(record.data.minimum))
  }
  return undefined
}

function findExtendedRcode(additionals: readonly PacketRecord[]): number {
  for (const record of additionals) {
    if (record.type === 'OPT') return record.extendedRcode
  }
  return 0
}

/** RFC 2181 §8: a TTL with the most significant bit set is zero. */
function readTtl(ttl: number | undefined): number {
  return ttl === undefined || ttl > 0x7fffffff ? 0 : ttl
}

function readRecord(record: PacketRecord): readonly ResourceRecord[] {
  if (record.type === 'OPT' || !('class' in record) || record.class !== 'IN') return []
  const owner = { name: record.name.toLowerCase(), ttl: readTtl(record.ttl) }
  if (record.type === 'A' || record.type === 'AAAA' || record.type === 'CNAME' || record.type === 'PTR') {
    return [{ ...owner, type: record.type, data: record.data }]
  }
  if (record.type === 'MX') {
    return [{ ...owner, type: 'MX', preference: record.data.preference ?? 0, exchange: record.data.exchange }]
  }
  return record.type === 'TXT' ? [{ ...owner, type: 'TXT', data: joinStrings(record.data) }] : []
}

/** RFC 7208 §3.3: concatenated without adding spaces */
function joinStrings(data: TxtData): string {
  const strings = Array.isArray(data) ? data : [data]
  return Buffer.concat(strings.map(part => (typeof part === 'string' ? Buffer.from(part) : part))).toString()
}
