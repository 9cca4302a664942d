/** A session of IMAP as its client sees it: it sends commands, takes what comes, and looks whether that may be so. */
import assert from 'node:assert/strict'
import type { Answer, Command, Speaker } from './command.ts'
import { type During, hear, isSynced, type Mirror, newMirror } from './mirror.ts'
import type { Model } from './model.ts'
import { type Response, responseReader } from './response.ts'
import { newResync, type Resync } from './resync.ts'
import { ACCOUNT, PASSWORD, type Uids, type Wire, type World } from './wire.ts'

/** Which thread serves it, and what it enables. */
export interface Kind {
  readonly thread: number
  readonly enable: readonly string[]
}

export interface Client {
  readonly mirror: Mirror
  readonly resync: Resync
  readonly isIdle: boolean
  /** A command is under way; IDLE is not. */
  readonly isWaiting: boolean
  /** The last one that was answered. */
  readonly last: { readonly command: Command; readonly undisturbed: boolean } | undefined
  connect(): Promise<void>
  send(command: Command): void
  /** Ends IDLE. */
  done(): void
  /** Takes what came. */
  pump(): void
  /** Cut off, perhaps in the middle of a command, which may be carried out all the same. */
  vanish(): void
}

interface Running {
  readonly command: Command
  readonly tag: string
  readonly during: During
  readonly untagged: Response[]
  readonly isSynced: boolean
  /** Changes of all before it was sent. */
  readonly before: number
  own: number
  part: number
  stored: boolean
}

/** Turns that an answer may take. */
const TURNS = 100_000

export interface ClientOptions {
  readonly name: string
  readonly kind: Kind
  readonly world: World
  readonly model: Model
  readonly log: (line: string) => void
}

export function newClient({ name, kind, world, model, log }: ClientOptions): Client {
  const resync = newResync()
  let mirror = newMirror()
  let wire: Wire | undefined
  let reader = responseReader()
  let running: Running | undefined
  /** Where a connection tells what it stored, though its client is gone. */
  let slot: { running: Running | undefined } = { running: undefined }
  let idling = false
  let last: Client['last']
  let tags = 0

  function say(text: string): void {
    log(`${name}> ${short(text)}`)
    wire?.send(text)
  }

  function sendPart(of: Running): void {
    const { parts } = of.command
    const part = parts[of.part] ?? ''
    say(`${of.part === 0 ? `${of.tag} ` : ''}${part}\r\n`)
    of.part++
  }

  function heard(response: Response): void {
    log(`${name}< ${short(`${response.tag} ${response.text}`)}`)
    if (response.tag === '+') proceed()
    else if (response.tag === '*') untagged(response)
    else answered(response)
  }

  function proceed(): void {
    assert.ok(running, 'nobody waits for +')
    if (running.command.name === 'IDLE') {
      assert.equal(running.part, 1)
      running.part++
      idling = true
    } else {
      assert.ok(running.part < running.command.parts.length, 'there is no more')
      sendPart(running)
    }
  }

  function untagged(response: Response): void {
    if (response.code?.[0] === 'CLOSED') forgetBox() // RFC 9051 §7.1
    hear(mirror, response, running?.during)
    running?.untagged.push(response)
    if (response.values[0] === 'ENABLED') for (const one of response.values.slice(1)) mirror.enabled.add(String(one))
  }

  function forgetBox(): void {
    mirror.box = undefined
    mirror.entries = []
    mirror.saved = []
  }

  function answered({ tag, values, code }: Response): void {
    assert.ok(running && running.tag === tag, `nobody waits for ${tag}`)
    const { command, untagged: responses, during, before } = running
    store(running)
    idling = false
    const undisturbed = model.changes - before === running.own
    const certain = undisturbed && running.isSynced
    const answer: Answer = { tag, is: String(values[0]), code, untagged: responses, during, undisturbed, certain }
    running = undefined
    slot.running = undefined
    command.learn?.(answer)
    command.check?.(answer)
    if (mirror.enabled.has('CONDSTORE') || mirror.enabled.has('QRESYNC')) mirror.condstore = true
    last = { command, undisturbed }
  }

  const client: Client = {
    get mirror() {
      return mirror
    },
    resync,
    get isIdle() {
      return idling
    },
    get isWaiting() {
      return running !== undefined && !idling
    },
    get last() {
      return last
    },
    async connect() {
      mirror = newMirror()
      reader = responseReader()
      const own: typeof slot = { running: undefined }
      slot = own
      wire = await world.imap(kind.thread, uids => {
        if (own.running) store(own.running, uids)
      })
      for (const text of ['', `LOGIN ${ACCOUNT} ${PASSWORD}`, `ENABLE ${kind.enable.join(' ')}`]) {
        if (text === 'ENABLE ') continue
        if (text !== '') client.send({ name: text.split(' ')[0] ?? '', parts: [text] })
        let greeted = text !== ''
        for (let turns = 0; !greeted || running; turns++) {
          assert.ok(turns < TURNS, 'no answer')
          await world.turn()
          greeted ||= greeting()
          client.pump()
        }
      }
    },
    send(command) {
      assert.ok(!running)
      const { entries, condstore } = mirror
      const during = {
        name: command.name,
        uid: command.uid ?? false,
        condstore,
        told: new Set<never>(),
        earlier: [],
        uids: entries.map(({ uid }) => uid),
      }
      running = {
        command,
        tag: `${name}${++tags}`,
        during,
        untagged: [],
        isSynced: isSynced(mirror),
        before: model.changes,
        own: 0,
        part: 0,
        stored: false,
      }
      slot.running = running
      if (['SELECT', 'EXAMINE', 'CLOSE', 'UNSELECT'].includes(command.name)) resync.leave(mirror)
      sendPart(running)
    },
    done() {
      idling = false
      say('DONE\r\n')
    },
    pump() {
      reader.feed(wire?.take() ?? '')
      for (let response = reader.next(); response; response = reader.next()) heard(response)
      assert.ok(!wire?.gone, 'it was cut off')
      // Who has nothing any more of a mailbox that is gone has none selected.
      if (mirror.box?.deleted && mirror.entries.length === 0) forgetBox()
    },
    vanish() {
      resync.leave(mirror)
      log(`${name}> (cut off)`)
      wire?.vanish()
      wire = undefined
      running = undefined
      idling = false
      mirror = newMirror()
    },
  }

  function store(of: Running, uids?: Uids): void {
    if (of.stored) return
    of.stored = true
    const { changes } = model
    of.command.effect?.(uids)
    of.own = model.changes - changes
  }

  function greeting(): boolean {
    reader.feed(wire?.take() ?? '')
    const response = reader.next()
    if (response) assert.match(response.text, /^OK /)
    return response !== undefined
  }

  return client
}

/** What commands are made of. */
export function speakerOf(client: Client, of: Omit<Speaker, 'mirror'>): Speaker {
  return { ...of, mirror: client.mirror }
}

function short(text: string): string {
  const line = text
    .replace(/CAPABILITY [^\]]*/, 'CAPABILITY …')
    .trimEnd()
    .replaceAll('\r\n', '␍␊')
  return line.length > 400 ? `${line.slice(0, 400)}… (${line.length})` : line
}
