/**
 * Runs a conversation that is written down as text.
 *
 *   # a remark
 *   @ kind submission                  a setting of the context (kind, tlsRequired, clearLogin, loginRequired, longestHold,
 *                                      startTls), or of its limits (recipients 2), or `tls` from the first byte
 *   @ refuse rcpt nobody@example.org 550 5.1.1 No such user      what policy answers (also `disconnect`)
 *   @ undeliverable c@example.org 452 4.2.2 Mailbox full         what becomes of a recipient, on LMTP
 *   C: EHLO client.example             the client says a line; \r \n \0 \xNN \\ mean what they mean in JavaScript
 *   C| raw bytes                       the same without CRLF
 *   S: 250 2.1.0                       the server says a line that starts so; all lines have to be there, in this order
 *   S: (closed)                        it has hung up
 *   = content                          the last message has this content (same escapes)
 *   = from a@b to c@d,e@f login x      and this envelope
 *   ! timeout                          an event: timeout, shutdown
 */
import assert from 'node:assert/strict'
import { formatAddress } from '../../src/mail/address.ts'
import { parseReply } from './talk.ts'
import { ACCEPT } from '../../src/smtp/verdict.ts'
import { ALL_WELL, CONTEXT, newTalk, pathText, questionKey, type Rules, type Talk } from './talk.ts'

export function runDialogue(text: string): void {
  const lines = text.split('\n')
  const talk = newTalk(readRules(lines.filter(line => line.startsWith('@')).map(line => line.slice(2))))
  const unheard: string[] = []
  lines.forEach((line, index) => {
    const say = (message: string): string => `line ${index + 1}: ${line}\n${message}`
    const listen = (): void => void unheard.push(...talk.heard().split('\r\n').slice(0, -1))
    listen()
    const rest = line.slice(3)
    if (/^(?:C[:|]|!)/.test(line)) assert.deepEqual(unheard, [], say('the server had already said more'))
    switch (line.slice(0, 2)) {
      case 'C:':
        return talk.send(unescape(`${rest}\r\n`))
      case 'C|':
        return talk.send(unescape(rest))
      case 'S:':
        return expectLine(talk, rest, unheard, say)
      case '! ':
        assert.ok(line === '! timeout' || line === '! shutdown', say('unknown event'))
        return talk.happen({ on: line === '! timeout' ? 'timeout' : 'shutdown' })
      case '= ':
        return expectMessage(talk, line.slice(2), say)
      default:
        assert.match(line, /^(?:#|@|\s*$)/, say('cannot be read'))
    }
  })
  assert.deepEqual(unheard, [], 'at the end the server had said more')
}

function expectLine(talk: Talk, expected: string, unheard: string[], say: (message: string) => string): void {
  if (expected === '(closed)') return assert.equal(talk.session().at, 'closed', say('the session is open'))
  const heard = unheard.shift()
  assert.ok(heard?.startsWith(expected), say(`but it was: ${heard}`))
}

function expectMessage(talk: Talk, expected: string, say: (message: string) => string): void {
  const last = talk.submissions.at(-1)
  assert.ok(last !== undefined, say('there is no message'))
  if (!expected.startsWith('from ')) return assert.equal(last.content, unescape(expected).toString('latin1'), say(''))
  const recipients = last.recipients.map(({ address }) => formatAddress(address)).join(',')
  const login = last.client.login === undefined ? '' : ` login ${last.client.login}`
  assert.equal(`from ${pathText(last.envelope.returnPath)} to ${recipients}${login}`, expected, say(''))
}

function readRules(settings: readonly string[]): Rules {
  const [refused, undeliverable] = [new Map<string, string>(), new Map<string, string>()]
  let { context, tls }: Pick<Rules, 'context' | 'tls'> = { context: CONTEXT, tls: false }
  for (const setting of settings) {
    const rule = /^(refuse|disconnect|undeliverable) (.+?) (\d{3} .+)$/.exec(setting)
    const [name = '', value = ''] = setting.split(' ', 2)
    if (rule !== null)
      (rule[1] === 'undeliverable' ? undeliverable : refused).set(rule[2] ?? '', `${rule[1]} ${rule[3]}`)
    else if (name === 'tls') tls = true
    else if (name in context.limits) context = { ...context, limits: { ...context.limits, [name]: Number(value) } }
    else if (name in context)
      context = { ...context, [name]: name === 'longestHold' ? Number(value) : wordOrTruth(value) }
    else assert.fail(`unknown setting: ${setting}`)
  }
  const replyTo = (line: string | undefined) => (line === undefined ? undefined : parseReply(line.replace(/^\S+ /, '')))
  return {
    ...ALL_WELL,
    context,
    tls,
    verdict(question) {
      const line = refused.get(questionKey(question))
      const reply = replyTo(line)
      if (reply === undefined) return ACCEPT
      return { is: line?.startsWith('disconnect') ? 'disconnect' : 'refuse', reply }
    },
    submit: recipient => replyTo(undeliverable.get(formatAddress(recipient.address))),
  }
}

function wordOrTruth(value: string): string | boolean {
  return value === 'yes' ? true : value === 'no' ? false : value
}

function unescape(text: string): Buffer {
  const bytes = text.replace(/\\(?:x([0-9a-f]{2})|([rn0\\]))/gi, (_, hex?: string, letter = '') =>
    hex === undefined ? (ESCAPES[letter] ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return bytes === text ? Buffer.from(text) : Buffer.from(bytes, 'latin1')
}

const ESCAPES: Record<string, string> = { r: '\r', n: '\n', 0: '\0', '\\': '\\' }
