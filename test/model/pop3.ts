/** A client of POP3 in between: RFC 1939. Its maildrop is INBOX as it was at the log-in. */
import assert from 'node:assert/strict'
import type { Random } from '../fuzz/random.ts'
import { type Box, type Mail, mailOf, type Model, sizeOf, textOf } from './model.ts'
import { ACCOUNT, PASSWORD, type Wire, type World } from './wire.ts'

/** Turns that an answer may take. */
const TURNS = 100_000

export interface Pop3Client {
  /** One command, or a whole log-in. */
  step(random: Random): Promise<void>
}

interface Drop {
  readonly wire: Wire
  readonly box: Box
  readonly mails: readonly Mail[]
  readonly marked: Set<number>
}

export function newPop3Client(world: World, model: Model, log: (line: string) => void): Pop3Client {
  /** RFC 1939 §7: a unique id is the same for ever, and no other message's. */
  const uniqueIds = new Map<string, string>()
  let drop: Drop | undefined
  /** The message of the last RETR. */
  let last = 0
  let onStored = (): void => undefined

  async function hear(wire: Wire, until: (text: string) => boolean): Promise<string> {
    let text = ''
    for (let turns = 0; !until(text); turns++) {
      assert.ok(turns < TURNS && !(wire.gone && turns > 10), `POP3 does not answer: ${text}`)
      await world.turn()
      text += wire.take()
    }
    log(`P< ${text.length > 200 ? `${text.slice(0, 200)}… (${text.length})` : text}`)
    return text
  }

  async function ask(wire: Wire, command: string, multiline = false): Promise<string> {
    log(`P> ${command}`)
    wire.send(`${command}\r\n`)
    const isWhole = (text: string): boolean =>
      multiline && text.startsWith('+OK') ? text.endsWith('\r\n.\r\n') : text.endsWith('\r\n')
    return await hear(wire, isWhole)
  }

  async function logIn(): Promise<void> {
    const box = model.box('INBOX')
    assert.ok(box)
    const wire = await world.pop3(() => onStored())
    await hear(wire, text => text.endsWith('\r\n'))
    await ask(wire, `USER ${ACCOUNT}`)
    assert.match(await ask(wire, `PASS ${PASSWORD}`), /^\+OK/)
    drop = { wire, box, mails: [...box.mails], marked: new Set() }
    const size = box.mails.reduce((sum, mail) => sum + sizeOf(mail), 0)
    const [, count, octets] = (await ask(wire, 'STAT')).trim().split(' ')
    assert.deepEqual([Number(count), Number(octets)], [box.mails.length, size], 'STAT')
  }

  const linesOf = (text: string): string[][] =>
    text
      .split('\r\n')
      .slice(1, -2)
      .map(line => line.split(' '))

  async function compareIds({ wire, box, mails, marked }: Drop): Promise<void> {
    const lines = linesOf(await ask(wire, 'UIDL', true))
    const left = mails.map((mail, i) => [mail, i + 1] as const).filter(([, n]) => !marked.has(n))
    assert.deepEqual(
      lines.map(([n]) => Number(n)),
      left.map(([, n]) => n),
      'UIDL',
    )
    for (const [i, [mail]] of left.entries()) {
      const id = lines[i]?.[1] ?? ''
      const key = `${box.uidValidity} ${mail.uid}`
      assert.equal(uniqueIds.get(id) ?? key, key, 'a unique id is that of another message')
      uniqueIds.set(id, key)
    }
    const sizes = linesOf(await ask(wire, 'LIST', true)).map(([, size]) => Number(size))
    assert.deepEqual(
      sizes,
      left.map(([mail]) => sizeOf(mail)),
      'LIST',
    )
  }

  async function retrieve({ wire, box, mails, marked }: Drop, random: Random): Promise<void> {
    const n = random(2) === 0 ? 1 + (last % mails.length) : 1 + random(mails.length)
    last = n
    const mail = mails[n - 1]
    const text = await ask(wire, `RETR ${n}`, true)
    if (!mail || marked.has(n)) return assert.match(text, /^-ERR/)
    // What was read together with the one before is still sent for a while, whole.
    if (!mailOf(box, mail.uid) && text.startsWith('-ERR')) return
    // RFC 1939 §3: stuffed; what does not end with CRLF gets one.
    const unstuffed = text.slice(text.indexOf('\r\n') + 2, -3).replaceAll('\r\n.', '\r\n')
    assert.equal(unstuffed, textOf(mail), 'RETR')
  }

  async function quit({ wire, box, mails, marked }: Drop): Promise<void> {
    const uids = [...marked].map(n => mails[n - 1]?.uid ?? 0)
    let done = false
    const effect = (): void => {
      if (!done) model.expunge(box, uids)
      done = true
    }
    onStored = effect
    assert.match(await ask(wire, 'QUIT'), /^\+OK/)
    effect()
    drop = undefined
  }

  return {
    async step(random) {
      if (!drop) return await logIn()
      const { wire, mails, marked } = drop
      const action = random(mails.length === 0 ? 3 : 12)
      if (action === 0) {
        wire.vanish()
        drop = undefined
      } else if (action === 1) await quit(drop)
      else if (action === 2) await compareIds(drop)
      else if (action < 6) await retrieve(drop, random)
      else if (action === 6) {
        assert.match(await ask(wire, 'RSET'), /^\+OK/)
        marked.clear()
      } else {
        const n = 1 + random(mails.length)
        const text = await ask(wire, `DELE ${n}`)
        assert.match(text, marked.has(n) ? /^-ERR/ : /^\+OK/)
        marked.add(n)
      }
    },
  }
}
