/** The messages that every client and every neighbour hands over: what has gone wrong in mail before, as bytes with CRLF. */
import { randomUUID } from 'node:crypto'

export interface Message {
  readonly name: string
  readonly from: string
  readonly to: string
  /** Needs SMTPUTF8 (RFC 6531): for its addresses and its header. */
  readonly utf8: boolean
  /** Stands in its header, to find it again. */
  readonly messageId: string
  readonly bytes: Buffer
}

export interface People {
  readonly from: string
  readonly to: string
  /** A recipient with a local part beyond ASCII; undefined: this neighbour has none. */
  readonly international: string | undefined
}

/** Everything but the 25 MB. */
export function corpus(people: People): Message[] {
  const { from, to, international } = people
  const ordinary = (name: string, body: Buffer | string) => message({ name, from, to, body, utf8: false })
  const all = [
    ordinary('plain', 'Good morning,\r\n\r\nall is well.\r\n\r\n  Anna\r\n'),
    ordinary('8-bit body', eightBit()),
    // RFC 5321 §4.5.2: each of these lines needs a dot more on the wire, or must not be taken for the end.
    ordinary('dots', '.\r\n..\r\n.leading\r\n...\r\na.\r\n\r\n.\r\n\r\n. \r\n.\r\n'),
    // RFC 5321 §4.5.3.1.6: a text line has at most 1000 octets with its CRLF.
    ordinary('998-character line', `${'x'.repeat(998)}\r\n${'y'.repeat(996)}.\r\n.${'z'.repeat(997)}\r\n`),
    ordinary('empty body', ''),
  ]
  if (international === undefined) return all
  return [...all, message({ name: 'SMTPUTF8', from, to: international, body: 'Grüße aus Köln\r\n', utf8: true })]
}

/** 25 MB of lines, each of them different, some with a dot in front. */
export function large({ from, to }: People): Message {
  const lines = Array.from(
    { length: 350_000 },
    (_, n) =>
      `${n % 7 === 0 ? '.' : ''}${n} ${'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(2).slice(n % 8, 66 + (n % 5))}\r\n`,
  )
  return message({ name: '25 MB', from, to, body: lines.join(''), utf8: false })
}

/** Every octet but NUL, CR and LF (RFC 6152 §3), and text in UTF-8. */
function eightBit(): Buffer {
  const octets = Array.from({ length: 256 }, (_, n) => n).filter(n => n !== 0 && n !== 10 && n !== 13)
  return Buffer.concat([Buffer.from('Übergrößen, naïve, 日本\r\n'), Buffer.from(octets), Buffer.from('\r\n')])
}

function message(of: Omit<Message, 'bytes' | 'messageId'> & { readonly body: Buffer | string }): Message {
  const { body, ...rest } = of
  const messageId = `<${randomUUID()}@client.test>`
  const display = of.utf8 ? 'Jürgen Müller' : 'J. Mueller'
  const header = [
    `From: ${display} <${of.from}>`,
    `To: ${of.to}`,
    `Subject: ${of.utf8 ? 'Größe, π und 日本' : 'A message'}`,
    'Date: Tue, 24 Nov 2026 12:00:00 +0000',
    `Message-ID: ${messageId}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    'X-Folded: one',
    '\ttwo',
    '   three',
  ]
  const head = Buffer.from(`${header.join('\r\n')}\r\n\r\n`)
  return { ...rest, messageId, bytes: Buffer.concat([head, Buffer.from(body)]) }
}

/** The message without the trace fields that mail systems put before it (RFC 5321 §4.4) and those that name the mailbox. */
export function withoutTrace(bytes: Buffer): Buffer {
  const field = /^(?:Return-Path|Received|Delivered-To|X-Original-To|Envelope-To|Delivery-Date):.*\r\n(?:[ \t].*\r\n)*/i
  for (let at = 0; ; ) {
    const found = field.exec(bytes.toString('latin1', at, at + 8192))
    if (found === null) return bytes.subarray(at)
    at += found[0].length
  }
}

/** What follows the empty line after the header. */
export function bodyOf(bytes: Buffer): Buffer {
  const end = bytes.indexOf('\r\n\r\n')
  return end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 4)
}

/** The header as text, each octet a character. */
export function headerOf(bytes: Buffer): string {
  return bytes.toString('latin1', 0, bytes.indexOf('\r\n\r\n') + 2)
}

/** Where two byte strings part, with what stands there; undefined when they are equal. For messages of 25 MB no test should print. */
export function difference(found: Buffer, wanted: Buffer): string | undefined {
  if (found.equals(wanted)) return undefined
  const length = Math.min(found.length, wanted.length)
  let at = 0
  while (at < length && found[at] === wanted[at]) at++
  const show = (bytes: Buffer): string => JSON.stringify(bytes.toString('latin1', Math.max(0, at - 60), at + 120))
  return `${found.length} bytes instead of ${wanted.length}, different from byte ${at}: ${show(found)} instead of ${show(wanted)}`
}
