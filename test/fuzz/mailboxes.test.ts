/**
 * A hundred thousand mutated commands of IMAP and POP3 against the loops themselves, on a real storage: nothing is thrown, every session uses
 * its input and ends, every response of IMAP follows the grammar, nothing is kept, and the mailboxes are whole in the end.
 * STAFFETTA_FUZZ_MAIL: how many, STAFFETTA_SEED: others.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { collectMessage } from '../../src/server/collector.ts'
import { AT, type FakeServer, openFakeServer } from '../../src/server/imap/fake-client.ts'
import { ImapLoop } from '../../src/server/imap/loop.ts'
import type { ImapServices } from '../../src/server/imap/session.ts'
import { createPop3 } from '../../src/server/pop3.ts'
import type { OperationName, Operations } from '../../src/storage/operations.ts'
import { checkStorage } from '../../src/storage/sqlite/check.ts'
import { type Conversation, converse } from './mail-converse.ts'
import { newImapInput } from './imap-input.ts'
import { USERS } from './imap-words.ts'
import { newPop3Input } from './pop3-input.ts'
import { wrongResponses } from './mail-responses.ts'
import { newRandom } from './random.ts'
import { pieces } from './sessions.ts'

const COMMANDS = Number(process.env['STAFFETTA_FUZZ_MAIL'] ?? 100_000)
const SEED = Number(process.env['STAFFETTA_SEED'] ?? 1)
/** Nobody of the others knows the password, or even the name. */
const WITNESS = 'witness@fuzz.test'
/** Sessions at the same time. */
const AT_ONCE = 3
/** Sessions after which the accounts are emptied, so that the mailboxes stay small. */
const TIDY = 300
const HALF_AN_HOUR = 1_800_000
const MOST_UNSENT = 1_000_000

interface World {
  readonly server: FakeServer
  readonly services: ImapServices
  readonly serveImap: Conversation['serve']
  readonly servePop3: Conversation['serve']
  readonly pass: () => void
  readonly budget: { readonly limit: number; used: number }
  readonly complaints: unknown[]
}

async function newWorld(): Promise<World> {
  const server = await openFakeServer([...USERS, WITNESS])
  let now = AT
  const budget = { limit: 2_000_000, used: 0 }
  const complaints: unknown[] = []
  const services: ImapServices = {
    ...server.services,
    storage: {
      // As from another thread: the answer comes in a turn of its own.
      ask<Name extends OperationName>(name: Name, input: Operations[Name]['in']) {
        return new Promise<void>(resolve => setImmediate(resolve)).then(() => server.services.storage.ask(name, input))
      },
      record: () => undefined,
    },
    logIn: credentials =>
      credentials.password === 'secret'
        ? server.services.logIn(credentials, { address: '', tls: undefined })
        : Promise.resolve({ is: 'wrong' }),
    now: () => now,
    limits: { messageSize: 400_000, idleBeforeLogin: 60_000, idle: HALF_AN_HOUR },
    tlsPossible: () => true,
    collect: () => collectMessage(services.nextId(), server.data, budget),
    complain: error => complaints.push(error),
  }
  const pop3 = createPop3({
    ...services,
    limits: { errors: 10, idleTimeout: 60_000, sessionTimeout: 60_000, mailboxIdleTimeout: HALF_AN_HOUR },
    mayLogInInClear: () => true,
  })
  return {
    server,
    services,
    serveImap: (connection, gone) => new ImapLoop(connection, services, true, gone),
    servePop3: (connection, gone) => pop3.serve(connection, gone),
    pass: () => (now += HALF_AN_HOUR + 1),
    budget,
    complaints,
  }
}

/** Into each INBOX a few mails, and nothing else anywhere. */
async function tidy({ server }: World): Promise<void> {
  const { reader, storage, accountNamed } = server.services
  for (const user of USERS) {
    const account = accountNamed(user)?.id ?? 0
    // What is below goes before what is above.
    for (const { id, name } of reader.mailboxes(account).toReversed()) {
      await storage.ask('expunge', { mailbox: id, uids: [[1, 2 ** 32 - 1]], which: 'all' })
      if (name !== 'INBOX') await storage.ask('mailbox', { is: 'delete', mailbox: id })
    }
    await storage.ask('mailbox', { is: 'create', account, name: 'Archive', specialUse: [] })
    await fill(server, user)
  }
}

async function fill(server: FakeServer, user: string): Promise<void> {
  for (let n = 0; n < 5; n++) {
    const subject = `Subject: number ${n}\r\nDate: Fri, 17 Jul 2026 0${n}:00:00 +0000\r\n`
    const parts = `MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello ${n}\r\n--b\r\n\r\n${'two words\r\n'.repeat(n * 100)}--b--\r\n`
    await server.deliver(user, 'Return-Path: <>\r\n', subject + parts)
  }
}

setFlagsFromString('--expose-gc')
const gc: unknown = runInNewContext('gc')

async function memory(): Promise<number> {
  assert.ok(typeof gc === 'function')
  gc()
  await sleep(50) // what was inflated and deflated in other threads goes only now
  gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** More than any literal of three digits that may be open. */
const IMAP_PROBE = Buffer.from(`\r\n${'zz NOOP\r\n'.repeat(200)}`)
const POP3_PROBE = Buffer.from('\r\nNOOP\r\nNOOP\r\n')
const LONG_LITERAL = /\{\d{4,}\+?\}/

/** Answers how many commands it was. */
async function session(world: World, number: number): Promise<number> {
  const random = newRandom(SEED * 1_000_003 + number)
  const kind = random(5) === 0 ? 'pop3' : 'imap'
  const where = `session ${number} of seed ${SEED} (${kind})`
  const { bytes, commands } = kind === 'imap' ? newImapInput(random) : newPop3Input(random)
  const heard = await converse({
    serve: kind === 'imap' ? world.serveImap : world.servePop3,
    pieces: pieces(bytes, random),
    random,
    probe: kind === 'imap' ? IMAP_PROBE : POP3_PROBE,
    pass: world.pass,
  })
  assert.equal(
    heard.hang,
    undefined,
    `${where}: waited in vain for ${heard.hang} after ${JSON.stringify(heard.said.toString('latin1').slice(-300))}`,
  )
  assert.equal(heard.gone, 1, `${where}: it said ${heard.gone} times that it has ended`)
  assert.ok(heard.mostUnsent < MOST_UNSENT, `${where}: ${heard.mostUnsent} bytes waited`)
  assert.deepEqual(world.complaints, [], where)
  assert.equal(heard.late, 0, `${where}: written after the end`)
  if (kind === 'imap') {
    assert.equal(wrongResponses(heard.said, heard.cut), undefined, where)
    const answered = heard.said.includes('zz OK ') || heard.said.includes('zz BAD ') || heard.said.includes('* BYE ')
    assert.ok(
      answered || heard.cut || LONG_LITERAL.test(bytes.toString('latin1')) || heard.said.includes('OK Compressed'),
      `${where}: no answer any more`,
    )
  } else assert.match(heard.said.toString('latin1', 0, 4), /^\+OK /, where)
  return commands
}

/** All that a mailbox has, as its reader sees it. */
function photograph({ reader, content, accountNamed }: ImapServices, user: string): string {
  const boxes = reader.mailboxes(accountNamed(user)?.id ?? 0)
  return JSON.stringify(
    boxes.map(box => [box, reader.mailRows(box.id, [1, 2 ** 32 - 1], 100).map(row => [row, content(row.message)])]),
  )
}

test(`${COMMANDS} commands`, async t => {
  const world = await newWorld()
  t.after(() => world.server.close())
  await fill(world.server, WITNESS)
  const before = photograph(world.services, WITNESS)
  const marks: number[] = []
  let [done, sessions] = [0, 0]
  while (done < COMMANDS) {
    if (sessions % TIDY === 0) {
      await tidy(world)
      assert.equal(world.budget.used, 0, 'bytes of contents that nobody receives')
    }
    if (done >= (marks.length * COMMANDS) / 6) marks.push(await memory())
    const some = await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => session(world, sessions + n)))
    sessions += AT_ONCE
    for (const commands of some) done += commands
  }
  await tidy(world)
  const growth = (await memory()) - (marks[2] ?? 0)
  assert.ok(growth < 20e6, `the memory grew by ${growth} bytes`)
  assert.equal(photograph(world.services, WITNESS), before)
  const { data } = world.server
  const { problems, messages } = checkStorage({
    data,
    alone: true,
    now: world.services.now(),
    progress: () => undefined,
  })
  assert.deepEqual(problems, [])
  t.diagnostic(
    `${done} commands in ${sessions} sessions; ${messages} messages are there; memory changed by ${Math.round(growth / 1000)} KB from the first third to the end`,
  )
})
