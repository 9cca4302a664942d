/** Writes docs/rfc.md from the comments of the sources: `// RFC 5321 §4.1.2: …` stands at the line that obeys it. */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')

const TITLES: Readonly<Record<number, string>> = {
  1034: 'Domain names: concepts and facilities',
  1035: 'Domain names: implementation and specification',
  1047: 'Duplicate messages and SMTP',
  1123: 'Requirements for Internet hosts',
  1428: 'Transition of Internet mail from just-send-8 to 8bit-SMTP/MIME',
  1557: 'ISO-2022-KR',
  1843: 'HZ: Chinese in seven bits',
  1847: 'Security multiparts for MIME',
  1870: 'SIZE',
  1939: 'POP3',
  2033: 'LMTP',
  2034: 'ENHANCEDSTATUSCODES',
  2045: 'MIME 1: format of message bodies',
  2046: 'MIME 2: media types',
  2047: 'MIME 3: header extensions for non-ASCII text',
  2086: 'ACL, the first edition',
  2142: 'Mailbox names for common services',
  2152: 'UTF-7',
  2181: 'Clarifications to the DNS specification',
  2183: 'Content-Disposition',
  2231: 'MIME parameters: charset, language and continuations',
  2308: 'Negative caching of DNS queries',
  2317: 'Classless IN-ADDR.ARPA delegation',
  2342: 'NAMESPACE',
  2449: 'CAPA: POP3 extensions',
  2505: 'Anti-spam recommendations for SMTP',
  2595: 'STARTTLS and STLS in IMAP and POP3',
  2781: 'UTF-16',
  2920: 'PIPELINING',
  2971: 'ID',
  2978: 'Registration of charsets',
  3030: 'CHUNKING and BINARYMIME',
  3206: 'Response codes SYS and AUTH of POP3',
  3207: 'STARTTLS',
  3282: 'Content-Language',
  3339: 'Date and time on the Internet: timestamps',
  3348: 'CHILDREN',
  3461: 'DSN: delivery status notifications asked for',
  3463: 'Enhanced status codes',
  3464: 'DSN: the format of delivery status notifications',
  3501: 'IMAP4rev1',
  3502: 'MULTIAPPEND',
  3516: 'BINARY',
  3596: 'DNS extensions for IPv6',
  3676: 'format=flowed',
  3691: 'UNSELECT',
  3696: 'Checking and transformation of names',
  3834: 'Automatic responses to electronic mail',
  3848: 'Transmission types of ESMTP and LMTP',
  4007: 'IPv6 scoped addresses',
  4013: 'SASLprep',
  4155: 'mbox',
  4291: 'IPv6 addressing architecture',
  4314: 'ACL',
  4315: 'UIDPLUS',
  4343: 'DNS case insensitivity',
  4422: 'SASL',
  4466: 'Collected extensions to the grammar of IMAP',
  4616: 'SASL PLAIN',
  4632: 'CIDR',
  4648: 'Base64',
  4731: 'ESEARCH',
  4865: 'FUTURERELEASE',
  4954: 'AUTH',
  4959: 'SASL-IR',
  4978: 'COMPRESS',
  5032: 'WITHIN',
  5034: 'AUTH in POP3',
  5051: 'i;unicode-casemap',
  5077: 'TLS session tickets',
  5182: 'SEARCHRES',
  5198: 'Unicode format for network interchange',
  5248: 'Registry of enhanced status codes',
  5256: 'SORT and THREAD',
  5258: 'LIST-EXTENDED',
  5267: 'Contexts: ESORT',
  5280: 'X.509 certificates',
  5321: 'SMTP',
  5322: 'Internet message format',
  5452: 'DNS: resilience against forged answers',
  5464: 'METADATA',
  5465: 'NOTIFY',
  5530: 'Response codes of IMAP',
  5758: 'X.509: DSA and ECDSA',
  5788: 'Registry of keywords of IMAP',
  5819: 'LIST-STATUS',
  5952: 'IPv6 addresses as text',
  5957: 'SORT=DISPLAY',
  6066: 'TLS extensions',
  6152: '8BITMIME',
  6154: 'SPECIAL-USE',
  6303: 'Locally served DNS zones',
  6409: 'Message submission',
  6522: 'multipart/report',
  6531: 'SMTPUTF8',
  6532: 'Internationalized headers',
  6533: 'Internationalized delivery status notifications',
  6604: 'DNS: RCODE and status bits with aliases',
  6761: 'Special-use domain names',
  6840: 'DNSSEC clarifications',
  6851: 'MOVE',
  6855: 'UTF8 in IMAP',
  6856: 'UTF8 in POP3',
  6890: 'Special-purpose addresses',
  6891: 'EDNS(0)',
  6895: 'DNS IANA considerations',
  7162: 'CONDSTORE and QRESYNC',
  7208: 'SPF',
  7435: 'Opportunistic security',
  7468: 'PEM',
  7505: 'Null MX',
  7686: 'The special-use domain name .onion',
  7766: 'DNS over TCP',
  7888: 'LITERAL+ and LITERAL-',
  7889: 'APPENDLIMIT',
  8020: 'NXDOMAIN: there really is nothing underneath',
  8259: 'JSON',
  8314: 'Cleartext considered obsolete: TLS for submission and access',
  8437: 'UNAUTHENTICATE',
  8438: 'STATUS=SIZE',
  8440: 'LIST-MYRIGHTS',
  8474: 'OBJECTID',
  8508: 'REPLACE',
  8514: 'SAVEDATE',
  8970: 'PREVIEW',
  8996: 'TLS 1.0 and 1.1 deprecated',
  9051: 'IMAP4rev2',
  9208: 'QUOTA',
  9325: 'Secure use of TLS',
  9394: 'PARTIAL',
  9422: 'LIMITS',
  9590: 'LIST-METADATA',
}

const HEAD = `# RFCs

<!-- Made from the comments in src by \`node scripts/rfc-doc.ts\`; change them there. -->

Where a paragraph is obeyed, it is named: this table says in which files of \`src\`. Their text is at \`https://www.rfc-editor.org/rfc/rfcNNNN\`.

| RFC | paragraph | files |
|---|---|---|
`

/** RFC → paragraph ('' for the RFC as a whole) → files. */
type Mentions = Map<number, Map<string, Set<string>>>

export function rfcDocument(): string {
  const mentions: Mentions = new Map()
  const files = globSync('**/*.ts', { cwd: join(ROOT, 'src') }).filter(path => !path.endsWith('.test.ts'))
  for (const path of files.sort()) collect(mentions, path, readFileSync(join(ROOT, 'src', path), 'utf8'))
  return (
    HEAD +
    [...mentions]
      .sort(([a], [b]) => a - b)
      .flatMap(rowsOf)
      .join('')
  )
}

function collect(mentions: Mentions, path: string, text: string): void {
  const flowing = text.replaceAll(/\n\s*(?:\*|\/\/) /g, ' ') // a comment of several lines as one
  for (const [, number, paragraphs = ''] of flowing.matchAll(/RFC (\d{3,5})((?:,?(?: and| to)? ?§[\d.]*\d)*)/g)) {
    const of = known(mentions, Number(number), () => new Map<string, Set<string>>())
    const named = paragraphs.match(/[\d.]*\d/g) ?? ['']
    for (const paragraph of named) known(of, paragraph, () => new Set<string>()).add(path)
  }
}

function known<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}

function rowsOf([number, paragraphs]: [number, Map<string, Set<string>>]): string[] {
  const title = TITLES[number]
  const name = title === undefined ? `${number}` : `${number} ${title}`
  return [...paragraphs]
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    .map(([paragraph, files], i) => {
      const places = [...files].map(file => `\`${file}\``).join(', ')
      return `| ${i === 0 ? name : ''} | ${paragraph === '' ? '' : `§${paragraph}`} | ${places} |\n`
    })
}

if (import.meta.main) writeFileSync(join(ROOT, 'docs/rfc.md'), rfcDocument())
