import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { checkLimits } from '../config/schema.ts'
import { openDirectory } from '../directory/directory.ts'
import { idSource } from '../mail/id.ts'
import type { Connection } from '../net/connection.ts'
import { createAuthFailures } from '../net/sources.ts'
import { openEngine } from '../storage/sqlite/engine.ts'
import { storageIn } from '../storage/sqlite/fake-storage.ts'
import { openStorageReader } from '../storage/sqlite/reader.ts'
import { openMailAccess } from './access.ts'

const [ANNA, BEN] = ['anna@example.org', 'ben@example.org']

/** Sessions on a real storage, without sockets. Any password is right. */
async function open(t: TestContext) {
  const data = mkdtempSync(join(tmpdir(), 'staffetta-access-'))
  let changed = (): void => undefined
  const engine = openEngine({
    data,
    timeline: { maxAge: 1e9, maxSize: 1e6 },
    now: Date.now,
    notify: notice => {
      if (notice.is === 'directory') changed()
    },
    log: () => undefined,
  })
  const storage = storageIn(engine)
  await storage.ask('directory', { is: 'add-domain', name: 'example.org', catchAll: undefined })
  for (const address of [ANNA, BEN]) await storage.ask('directory', { is: 'add-account', address, hash: 'old' })
  const reader = openStorageReader(data)
  t.after(() => {
    reader.close()
    engine.close()
    rmSync(data, { recursive: true })
  })
  const directory = openDirectory(reader, 'mx.example.org')
  /** What happens while a password is checked. */
  let meanwhile = async (): Promise<void> => undefined
  const access = openMailAccess({
    hostname: 'mx.example.org',
    data,
    limits: () => checkLimits({}),
    mayLogInInClear: () => () => true,
    tlsPossible: () => false,
    owner: 1,
    storage,
    reader,
    directory,
    passwords: {
      check: async hash => {
        await meanwhile()
        return hash !== undefined
      },
    },
    failures: createAuthFailures(Date.now),
    budget: { limit: 1e6, used: 0 },
    nextId: idSource(0, 0, Date.now),
    now: Date.now,
    complain: error => assert.fail(String(error)),
  })
  changed = () => {
    directory.forget()
    access.accountsChanged()
  }
  return {
    storage,
    meanwhile: (next: () => Promise<void>) => (meanwhile = next),
    connect: (language: 'imap' | 'pop3') => connect(done => access.serve(done, language, () => undefined)),
  }
}

async function connect(serve: (connection: Connection) => ReturnType<ReturnType<typeof openMailAccess>['serve']>) {
  let heard = ''
  let ended = false
  const connection: Connection = {
    peer: { address: '192.0.2.1', port: 1, local: { address: '192.0.2.2', port: 143 } },
    tls: undefined,
    unsent: 0,
    write: bytes => (heard += Buffer.from(bytes).toString('latin1')),
    pause: () => undefined,
    resume: () => undefined,
    startTls: () => undefined,
    deadline: () => undefined,
    end: () => (ended = true),
    destroy: () => (ended = true),
  }
  const session = serve(connection)
  session.start()
  const client = {
    get ended() {
      return ended
    },
    async say(line: string) {
      heard = ''
      if (line !== '') session.data(Buffer.from(`${line}\r\n`))
      for (let i = 0; i < 50; i++) await turn()
      return heard
    },
    heard: () => heard,
  }
  return client
}

test('who is logged in to an account that is removed is not any more, wherever he is', async t => {
  const server = await open(t)
  const [imap, idle, pop3, ben] = [
    await server.connect('imap'),
    await server.connect('imap'),
    await server.connect('pop3'),
    await server.connect('imap'),
  ]
  assert.match(await imap.say(`a LOGIN ${ANNA} x`), /^a OK /)
  await idle.say(`a LOGIN ${ANNA} x`)
  await idle.say('b IDLE')
  await pop3.say(`USER ${ANNA}`)
  assert.match(await pop3.say('PASS x'), /^\+OK /)
  await ben.say(`a LOGIN ${BEN} x`)
  await server.storage.ask('directory', { is: 'set-password', address: BEN, hash: 'new' })
  assert.ok(!ben.ended)
  await server.storage.ask('directory', { is: 'remove-account', address: ANNA })
  assert.match(imap.heard(), /\* BYE The account was removed\r\n$/)
  assert.match(idle.heard(), /\* BYE The account was removed\r\n$/)
  assert.match(pop3.heard(), /-ERR [^\n]*\n$/)
  assert.deepEqual([imap.ended, idle.ended, pop3.ended, ben.ended], [true, true, true, false])
})

test('an account that changes while its password is checked lets nobody in', async t => {
  const server = await open(t)
  const client = await server.connect('imap')
  server.meanwhile(async () => {
    await server.storage.ask('directory', { is: 'set-password', address: ANNA, hash: 'new' })
  })
  assert.match(await client.say(`a LOGIN ${ANNA} x`), /^a NO \[AUTHENTICATIONFAILED\]/)
  server.meanwhile(async () => {
    await server.storage.ask('directory', { is: 'remove-account', address: ANNA })
  })
  assert.match(await client.say(`b LOGIN ${ANNA} x`), /^b NO \[AUTHENTICATIONFAILED\]/)
})
