/** Steps of several sessions and of the model beside them, by seed; after each what can be known is compared. */
import assert from 'node:assert/strict'
import { newRandom, type Random } from '../fuzz/random.ts'
import { append, close, copy, delivered, expunge, replace, store } from './changes.ts'
import { type Client, type Kind, newClient, speakerOf } from './client.ts'
import type { Command, Speaker } from './command.ts'
import { fetch, fetchAll } from './fetch.ts'
import { change, idle, list, lsub, noop, select, status } from './mailboxes.ts'
import { makeMessage, some } from './messages.ts'
import { differs, isSynced, knowsUids, missesExpunges } from './mirror.ts'
import { type Model, newModel } from './model.ts'
import { newPop3Client, type Pop3Client } from './pop3.ts'
import { search } from './search.ts'
import type { World } from './wire.ts'

export const KINDS: readonly Kind[] = [
  { thread: 0, enable: [] },
  { thread: 0, enable: ['CONDSTORE'] },
  { thread: 0, enable: ['QRESYNC'] },
  { thread: 1, enable: ['IMAP4rev2'] },
  { thread: 1, enable: ['IMAP4rev2', 'QRESYNC'] },
]

export interface Run {
  readonly seed: number
  /** The numbers of the steps that are taken: what each does depends on its number, and on what is there. */
  readonly steps: readonly number[]
  readonly open: (random: Random) => Promise<World>
}

export interface Failure {
  /** The number of the step that failed, or of the last one. */
  readonly step: number
  readonly why: string
  /** The last that was said. */
  readonly exchanges: readonly string[]
}

/** Lines that are kept. */
const EXCHANGES = 60
/** Steps from one full comparison to the next. */
const QUIET = 25
/** Turns that the answers of one step may take. */
const TURNS = 200_000
/** Turns that it may take until who idles hears of something. */
const PUSH = 10_000
/** Mails of a mailbox above which mails are removed. */
const MANY = 50

interface Play {
  readonly world: World
  readonly model: Model
  readonly clients: readonly Client[]
  readonly pop3: Pop3Client
}

/** undefined: nothing was wrong. */
export async function run({ seed, steps, open }: Run): Promise<Failure | undefined> {
  const exchanges: string[] = []
  const log = (line: string): void => {
    if (exchanges.push(line) > EXCHANGES) exchanges.shift()
  }
  const world = await open(newRandom(seed))
  let now = 0
  let problems: readonly string[] = []
  let why: string | undefined
  try {
    const play = await begin(world, log)
    for (const number of steps) {
      now = number
      log(`-- step ${number}`)
      const random = newRandom(seed * 1_000_003 + number)
      await step(play, random)
      if (number % QUIET === 0) await compareAll(play, random)
    }
    await compareAll(play, newRandom(seed))
  } catch (error) {
    why = error instanceof Error ? `${error.message}\n${error.stack}` : String(error)
  } finally {
    problems = await world.close()
  }
  if (why === undefined && problems.length > 0) why = `check --storage: ${problems.join('; ')}`
  return why === undefined ? undefined : { step: now, why, exchanges }
}

async function begin(world: World, log: (line: string) => void): Promise<Play> {
  const model = newModel()
  const clients = KINDS.map((kind, n) => newClient({ name: 'ABCDE'.charAt(n), kind, world, model, log }))
  for (const client of clients) await client.connect()
  return { world, model, clients, pop3: newPop3Client(world, model, log) }
}

async function step(play: Play, random: Random): Promise<void> {
  const { clients, world, pop3 } = play
  const kind = random(100)
  if (kind < 12) await pop3.step(random)
  else if (kind < 18) await oneAlone(play, random)
  else if (kind < 21) await vanish(play, random)
  else await burst(play, random)
  await world.settle()
  for (const client of clients) client.pump()
  await heardAll(play)
}

/** Several at the same time, and mail may come too. */
async function burst(play: Play, random: Random): Promise<void> {
  const { clients, world } = play
  const many = world.exact && random(5) < 2
  // Without knowing what happened first, one thing at a time.
  const alone = world.exact || random(8) > 0 ? [clients[random(clients.length)]] : []
  const speaking = many ? some(random, clients) : alone
  const said = speaking.flatMap(client => (client && speak(play, client, random) ? [client] : []))
  const mail = (world.exact ? random(6) === 0 : said.length === 0) ? deliver(play, random) : undefined
  await answers(play)
  await mail
  const [only] = said
  if (only && said.length === 1 && !mail) compareAfter(only)
}

async function deliver({ world, model }: Play, random: Random): Promise<void> {
  const message = makeMessage(random)
  await world.deliver(message.content, (head, at) => {
    const inbox = model.box('INBOX')
    assert.ok(inbox)
    model.add(inbox, [delivered(message, head, at)], world.now())
  })
}

async function oneAlone(play: Play, random: Random): Promise<void> {
  const client = play.clients.find(one => !one.isIdle)
  if (!client) return
  client.send(change(speakerFor(play, client, random)))
  await answers(play)
}

/** And comes back. */
async function vanish(play: Play, random: Random): Promise<void> {
  const { clients, world } = play
  const client = clients[random(clients.length)]
  if (!client) return
  if (world.exact && !client.isIdle && random(2) === 0) speak(play, client, random)
  client.vanish()
  await world.settle()
  await client.connect()
}

function speakerFor({ model, world }: Play, client: Client, random: Random): Speaker {
  return speakerOf(client, { random, model, now: world.now, exact: world.exact })
}

/** false: it says nothing, or only ends IDLE. */
function speak(play: Play, client: Client, random: Random): boolean {
  if (client.isIdle) {
    if (random(2) === 0) client.done()
    return false
  }
  const speaker = speakerFor(play, client, random)
  client.send(anyCommand(speaker, client) ?? noop(speaker))
  return true
}

/** How often of 100. */
const COMMANDS: readonly (readonly [share: number, make: (speaker: Speaker) => Command | undefined])[] = [
  [18, store],
  [16, fetch],
  [14, search],
  [10, noop],
  [8, append],
  [8, copy],
  [6, expunge],
  [5, () => idle],
  [4, status],
  [3, list],
  [2, replace],
  [2, close],
  [1, lsub],
]

function anyCommand(speaker: Speaker, { resync }: Client): Command | undefined {
  const { random, mirror } = speaker
  const { box, entries } = mirror
  const first = entries.findIndex(({ uid, flags }) => uid === undefined || flags === undefined) + 1
  if (!box) return random(5) > 0 ? select(speaker, resync) : [append, status, list][random(3)]?.(speaker)
  if (first > 0 && random(4) > 0) return fetchAll(speaker, first)
  if (box.mails.length > MANY && random(3) === 0) return random(2) === 0 ? expunge(speaker) : store(speaker, true)
  let left = random(100)
  for (const [share, make] of COMMANDS) {
    left -= share
    if (left < 0) return make(speaker)
  }
  return select(speaker, resync)
}

async function answers({ clients, world }: Play): Promise<void> {
  for (let turns = 0; ; turns++) {
    for (const client of clients) client.pump()
    if (!clients.some(client => client.isWaiting)) return
    assert.ok(turns < TURNS, 'a command is never answered')
    await world.turn()
  }
}

/** Nobody else did anything: who was answered knows all that there is to be known. */
function compareAfter(client: Client): void {
  const { last, mirror, resync } = client
  if (!last?.undisturbed || client.isIdle || mirror.box === undefined) return
  const { name, uid } = last.command
  const numbersStay = !uid && ['FETCH', 'STORE', 'SEARCH', 'SORT', 'THREAD'].includes(name)
  if (mirror.box.deleted || (numbersStay && missesExpunges(mirror))) return
  assert.equal(differs(mirror), undefined, `after ${name}`)
  resync.keep(mirror)
}

/** Who idles hears of all that happens. */
async function heardAll({ clients, world }: Play): Promise<void> {
  for (const client of clients) {
    if (!client.isIdle) continue
    for (let turns = 0; !world.exact && differs(client.mirror) !== undefined && turns < PUSH; turns++) {
      await world.turn()
      client.pump()
    }
    assert.equal(differs(client.mirror), undefined, 'who idles was not told')
  }
}

/** After a NOOP everybody knows all; and what is counted is right. */
async function compareAll(play: Play, random: Random): Promise<void> {
  const { clients, model } = play
  for (const client of clients) if (client.isIdle) client.done()
  await answers(play)
  for (const client of clients) {
    await ask(play, client, speaker => noop(speaker))
    assert.equal(differs(client.mirror), undefined, 'after NOOP')
    if (client.mirror.entries.length > 0) await ask(play, client, fetchAll)
    assert.equal(differs(client.mirror), undefined, 'after FETCH of all flags')
    assert.ok(knowsUids(client.mirror) && isSynced(client.mirror))
    client.resync.keep(client.mirror)
    if (client.mirror.box) await ask(play, client, search)
  }
  const observer = clients[random(clients.length)]
  if (!observer) return
  for (const name of model.boxes.keys()) await ask(play, observer, speaker => status(speaker, name))
  await ask(play, observer, list)

  async function ask(of: Play, client: Client, make: (speaker: Speaker) => Command | undefined): Promise<void> {
    const command = make(speakerFor(of, client, random))
    if (!command) return
    client.send(command)
    await answers(of)
  }
}
