/**
 * A client that does everything at once with messages of its own, in mailboxes that it shares with others and in such that only it makes,
 * renames and deletes; and keeps account of what it was promised. Of the command whose answer never came both outcomes are possible.
 */
import assert from 'node:assert/strict'
import type { Random } from '../fuzz/random.ts'
import { type Answer, type ImapTalk, openImap } from './imap-talk.ts'
import { nextNumber, numbered } from './load.ts'
import { boxKey, flagsIn, mailKey, mailValue, type State, UNTOLD, type Witness } from './mail-witness.ts'

export interface MailClientOptions {
  readonly port: number
  readonly user: string
  readonly password: string
  readonly random: Random
  readonly witness: Witness
  /** Where its own mailboxes stand: `c1/`. */
  readonly prefix: string
  /** Mailboxes that nobody renames or deletes, with their UIDVALIDITY. */
  readonly shared: ReadonlyMap<string, number>
  /** Bytes of the next message. */
  readonly size: (random: Random) => number
  /** Whether a NO with this text may come. */
  readonly mayRefuse?: (tagged: string) => boolean
}

export interface MailClient {
  /** Numbers of all messages that it ever sent. */
  readonly seqs: ReadonlySet<number>
  /** What may be there: one state, or that before and that after the command under way. */
  possible(): readonly State[]
  /** Which of them it was. */
  settle(state: State): void
  /** Connects and works until the connection is lost or `stop` is called. */
  run(): Promise<void>
  stop(): void
  /** Commands that were answered with OK, by name. */
  readonly done: ReadonlyMap<string, number>
  readonly refused: number
}

const FLAGS = ['\\Seen', '\\Flagged', '\\Answered', '$Load', 'crash'] as const
/** Mails of one client, above which it rather removes. */
const ENOUGH = 80
/** Mailboxes of its own. */
const BOXES = 4

interface Own {
  readonly key: string
  readonly seq: number
  readonly validity: number
  readonly uid: number
  readonly flags: readonly string[]
}

export function newMailClient(options: MailClientOptions): MailClient {
  const { random, witness, prefix, shared } = options
  const seqs = new Set<number>()
  const done = new Map<string, number>()
  let possible: readonly State[] = [new Map()]
  let state = new Map<string, string>()
  let selected = 0
  let names = 0
  let refused = 0
  let stopping = false

  function own(): Own[] {
    return [...state].flatMap(([key, value]) => {
      const [kind, seq, validity] = key.split(' ')
      if (kind !== 'mail') return []
      const [uid, ...flags] = value.split(' ')
      return [{ key, seq: Number(seq), validity: Number(validity), uid: Number(uid), flags }]
    })
  }

  const ownBoxes = (): string[] => [...state.keys()].filter(key => key.startsWith('box ')).map(key => key.slice(4))
  const validityOf = (name: string): number => shared.get(name) ?? Number(state.get(boxKey(name)))
  const allBoxes = (): string[] => [...shared.keys(), ...ownBoxes()]
  const nameOf = (validity: number): string => allBoxes().find(name => validityOf(name) === validity) ?? ''
  const any = <T>(of: readonly T[]): T => of[random(of.length)] ?? assert.fail('nothing to choose from')

  /** A command that changes something. undefined: it was refused, and nothing has changed. */
  async function act(
    talk: ImapTalk,
    change: (now: Map<string, string>) => void,
    command: string,
    literal?: Buffer,
  ): Promise<Answer | undefined> {
    const after = new Map(state)
    change(after)
    possible = [state, after]
    const answer = await talk.ask(command, literal)
    hear(answer)
    const ok = answer.tagged.startsWith('OK')
    if (ok) {
      state = after
      const [name = ''] = command.replace(/^UID /, '').split(' ', 1)
      done.set(name, (done.get(name) ?? 0) + 1)
    } else {
      assert.ok(answer.tagged.startsWith('NO') && options.mayRefuse?.(answer.tagged), `${command}: ${answer.tagged}`)
      refused++
    }
    possible = [state]
    return ok ? answer : undefined
  }

  function hear({ untagged }: Answer): void {
    if (selected === 0) return
    for (const { text } of untagged) {
      const modseq = /(?:HIGHESTMODSEQ |MODSEQ \()(\d+)/.exec(text)?.[1]
      if (modseq !== undefined) witness.modseq(selected, Number(modseq))
    }
  }

  async function select(talk: ImapTalk, validity: number): Promise<void> {
    if (selected === validity) return
    selected = validity
    const answer = await talk.ask(`SELECT ${nameOf(validity)} (CONDSTORE)`)
    assert.match(answer.tagged, /^OK/)
    assert.ok(
      answer.untagged.some(({ text }) => text.startsWith(`* OK [UIDVALIDITY ${validity}]`)),
      'UIDVALIDITY has changed',
    )
    hear(answer)
  }

  async function append(talk: ImapTalk): Promise<void> {
    const seq = nextNumber()
    seqs.add(seq)
    const box = any(allBoxes())
    const validity = validityOf(box)
    const flags = FLAGS.filter(() => random(3) === 0)
    const key = mailKey(seq, validity)
    const answer = await act(
      talk,
      now => now.set(key, mailValue(UNTOLD, flags)),
      `APPEND ${box} (${flags.join(' ')})`,
      numbered(seq, options.size(random)),
    )
    if (!answer) return
    const [, told, uid] = /\[APPENDUID (\d+) (\d+)\]/.exec(answer.tagged) ?? []
    assert.equal(Number(told), validity, answer.tagged)
    witness.uid(validity, Number(uid), seq)
    state.set(key, mailValue(Number(uid), flags))
  }

  /** Some mails of one mailbox, in order of UID. */
  function some(): readonly Own[] {
    const mails = own()
    if (mails.length === 0) return []
    const { validity } = any(mails)
    const wanted = 1 + random(5)
    return mails
      .filter(mail => mail.validity === validity)
      .toSorted((a, b) => a.uid - b.uid)
      .slice(0, wanted)
  }

  const setOf = (mails: readonly Own[]): string => mails.map(({ uid }) => uid).join(',')

  async function store(talk: ImapTalk): Promise<void> {
    const mails = some()
    const [first] = mails
    if (!first) return
    await select(talk, first.validity)
    const flag = any(FLAGS)
    const on = random(2) === 0
    const next = ({ flags }: Own): string[] => [...flags.filter(other => other !== flag), ...(on ? [flag] : [])]
    const answer = await act(
      talk,
      now => mails.forEach(mail => now.set(mail.key, mailValue(mail.uid, next(mail)))),
      `UID STORE ${setOf(mails)} ${on ? '+' : '-'}FLAGS (${flag})`,
    )
    for (const { text } of answer?.untagged ?? []) {
      const mail = mails.find(({ uid }) => text.includes(`(UID ${uid} `))
      const flags = flagsIn(text)
      if (mail && flags) assert.equal(mailValue(mail.uid, flags), mailValue(mail.uid, next(mail)))
    }
  }

  async function transfer(talk: ImapTalk, how: 'COPY' | 'MOVE'): Promise<void> {
    const all = some()
    const [first] = all
    if (!first) return
    const box = any(allBoxes())
    const validity = validityOf(box)
    // A message is known again by its number, so it is in a mailbox only once.
    const mails = all.filter(({ seq }) => !state.has(mailKey(seq, validity)))
    if (mails.length === 0 || validity === first.validity) return
    await select(talk, first.validity)
    const change = (now: Map<string, string>): void => {
      for (const { key, seq, flags } of mails) {
        now.set(mailKey(seq, validity), mailValue(UNTOLD, flags))
        if (how === 'MOVE') now.delete(key)
      }
    }
    const answer = await act(talk, change, `UID ${how} ${setOf(mails)} ${box}`)
    if (!answer) return
    const text = [answer.tagged, ...answer.untagged.map(response => response.text)].join('\n')
    const [, told, from = '', to = ''] = /\[COPYUID (\d+) ([\d,:]+) ([\d,:]+)\]/.exec(text) ?? []
    assert.equal(Number(told), validity, text)
    assert.deepEqual(
      uidsIn(from),
      mails.map(({ uid }) => uid),
    )
    uidsIn(to).forEach((uid, i) => {
      const mail = mails[i] ?? assert.fail(text)
      witness.uid(validity, uid, mail.seq)
      state.set(mailKey(mail.seq, validity), mailValue(uid, mail.flags))
    })
  }

  async function expunge(talk: ImapTalk): Promise<void> {
    const mails = some()
    const [first] = mails
    if (!first) return
    await select(talk, first.validity)
    const mark = (now: Map<string, string>): void =>
      mails.forEach(({ key, uid, flags }) => now.set(key, mailValue(uid, [...flags, '\\Deleted'])))
    const marked = await act(talk, mark, `UID STORE ${setOf(mails)} +FLAGS.SILENT (\\Deleted)`)
    if (!marked) return
    await act(talk, now => mails.forEach(({ key }) => now.delete(key)), `UID EXPUNGE ${setOf(mails)}`)
  }

  async function create(talk: ImapTalk): Promise<void> {
    const name = `${prefix}${++names}`
    const made = await act(talk, now => now.set(boxKey(name), UNTOLD), `CREATE ${name}`)
    if (!made) return
    const answer = await talk.ask(`STATUS ${name} (UIDVALIDITY)`)
    state.set(boxKey(name), /UIDVALIDITY (\d+)/.exec(answer.untagged[0]?.text ?? '')?.[1] ?? assert.fail('no STATUS'))
  }

  async function rename(talk: ImapTalk, from: string): Promise<void> {
    const to = `${prefix}${++names}`
    const change = (now: Map<string, string>): void => {
      now.set(boxKey(to), now.get(boxKey(from)) ?? '')
      now.delete(boxKey(from))
    }
    await act(talk, change, `RENAME ${from} ${to}`)
  }

  async function remove(talk: ImapTalk, name: string): Promise<void> {
    const validity = validityOf(name)
    const inIt = own().filter(mail => mail.validity === validity)
    const change = (now: Map<string, string>): void => {
      now.delete(boxKey(name))
      for (const { key } of inIt) now.delete(key)
    }
    if (await act(talk, change, `DELETE ${name}`)) if (selected === validity) selected = 0
  }

  async function one(talk: ImapTalk): Promise<void> {
    const boxes = ownBoxes()
    const what = random(100)
    if (what < 6 && boxes.length < BOXES) return create(talk)
    if (what < 8 && boxes.length > 0) return rename(talk, any(boxes))
    if (what < 10 && boxes.length > 2) return remove(talk, any(boxes))
    if (what < 35) return store(talk)
    if (what < 45) return transfer(talk, 'COPY')
    if (what < 60) return transfer(talk, 'MOVE')
    return what < (own().length > ENOUGH ? 90 : 65) ? expunge(talk) : append(talk)
  }

  return {
    seqs,
    done,
    possible: () => possible,
    settle(found) {
      state = new Map(found)
      possible = [state]
    },
    async run() {
      stopping = false
      selected = 0
      const talk = await openImap(options.port, options.user, options.password).catch(() => undefined)
      if (!talk) return
      try {
        while (!stopping) await one(talk)
      } catch (error) {
        if (!(error instanceof Error) || error.message !== 'the connection is lost') throw error
      } finally {
        talk.close()
      }
    },
    stop() {
      stopping = true
    },
    get refused() {
      return refused
    },
  }
}

/** `1,3:5` as numbers. */
function uidsIn(set: string): number[] {
  return set.split(',').flatMap(range => {
    const [first = 0, last = first] = range.split(':').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}
