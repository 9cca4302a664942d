import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, type TestContext, test } from 'node:test'
import { formatId, idSource } from '../../mail/id.ts'
import { bodyPath } from '../bodies.ts'
import type { Claimed, Notice, OperationName, Operations, StorageResult, Submission } from '../operations.ts'
import type { Asked } from '../wire.ts'
import { type Engine, openEngine } from './engine.ts'
import { openStorageReader } from './reader.ts'

const HOUR = 3_600_000
const clock = { now: 1.8e12 }

function open(t: TestContext, data = mkdtempSync(join(tmpdir(), 'staffetta-engine-'))) {
  const notices: Notice[] = []
  const engine = openEngine({
    data,
    timeline: { maxAge: 24 * HOUR, maxSize: 1e6 },
    now: () => clock.now,
    notify: notice => notices.push(notice),
    log: () => undefined,
  })
  const reader = openStorageReader(data)
  t.after(() => {
    reader.close()
    engine.close()
    rmSync(data, { recursive: true, force: true })
  })
  return { engine, reader, notices, data }
}

const nextId = idSource(0, 0, () => clock.now)

function submission(
  over: Partial<Submission> & { to?: string[]; state?: 'leased' | 'ready' | 'waiting' | 'held' } = {},
): Submission {
  const { to = ['u1@dest.test'], state = 'ready', ...rest } = over
  return {
    id: nextId(),
    at: clock.now,
    envelope: {
      returnPath: '<>',
      body: '7BIT',
      smtputf8: false,
      ret: undefined,
      envid: undefined,
      holdUntil: undefined,
    },
    content: { in: 'memory', bytes: Buffer.from('Subject: x\r\n\r\nbody\r\n') },
    description: undefined,
    sender: 'a@source.test',
    source: 'a@source.test',
    owner: 1,
    stored: [],
    entries: to.map((recipient, n) => ({
      n,
      recipient,
      dsn: undefined,
      destination: `mx:${recipient.slice(recipient.indexOf('@') + 1)}`,
      state,
      due: clock.now,
      expires: clock.now + 5 * 24 * HOUR,
      notice: clock.now + 4 * HOUR,
    })),
    events: ['{"event":"accepted"}'],
    ...rest,
  }
}

function all(engine: Engine, asked: readonly Asked[]): StorageResult<Operations[OperationName]['out']>[] {
  const results: StorageResult<Operations[OperationName]['out']>[] = []
  asked.forEach((operation, i) =>
    engine.ask(operation, result => {
      results[i] = result
    }),
  )
  while (engine.commit());
  return results
}

function claim(engine: Engine, room = 100, except: string[] = [], owner = 1): Claimed {
  const [result] = all(engine, [{ name: 'claim', input: { owner, room, except } }])
  assert.ok(result && 'ok' in result)
  return result.ok as Claimed
}

const submit = (input: Submission): Asked => ({ name: 'submit', input })

suite('the queue in SQLite', () => {
  test('what was submitted can be claimed once, with its content', t => {
    const { engine, reader } = open(t)
    const message = submission({ to: ['u1@dest.test', 'u2@dest.test'] })
    assert.deepEqual(all(engine, [submit(message)]), [{ ok: undefined }])
    const { works, more } = claim(engine)
    assert.equal(more, false)
    assert.deepEqual(
      works.map(work => [work.message, work.entries.map(entry => entry.recipient)]),
      [[message.id, ['u1@dest.test', 'u2@dest.test']]],
    )
    assert.equal(claim(engine).works.length, 0)
    const content = reader.content(message.id)
    assert.ok(content?.in === 'memory' && Buffer.from(content.bytes).toString().startsWith('Subject: x'))
  })

  test('one bad operation of a group fails alone', t => {
    const { engine } = open(t)
    const twice = submission()
    const results = all(engine, [submit(twice), submit(twice), submit(submission())])
    assert.deepEqual(
      results.map(result => ('ok' in result ? 'ok' : result.failed.why)),
      ['ok', 'conflict', 'ok'],
    )
    assert.equal(claim(engine).works.length, 2)
  })

  test('done for all its recipients, a message and its body are gone', t => {
    const { engine, reader } = open(t)
    const message = submission({ to: ['u1@dest.test', 'u2@dest.test'], state: 'leased' })
    const settle = (n: number): Asked => ({
      name: 'settle',
      input: {
        owner: 1,
        message: message.id,
        results: [{ n, is: 'done' }],
        reports: [],
        delay: undefined,
        events: ['{"event":"delivered"}'],
      },
    })
    all(engine, [submit(message), settle(0)])
    assert.ok(reader.content(message.id))
    all(engine, [settle(1)])
    assert.equal(reader.content(message.id), undefined)
    assert.deepEqual(reader.timeline(message.id), [
      '{"event":"accepted"}',
      '{"event":"delivered"}',
      '{"event":"delivered"}',
    ])
  })

  test('one message of a sender does not wait behind the thousands of another', t => {
    const { engine } = open(t)
    const many = Array.from({ length: 1000 }, () => submit(submission({ source: 'many@source.test' })))
    const one = submission({ source: 'one@source.test' })
    all(engine, [...many, submit(one)])
    const { works, more } = claim(engine, 50)
    assert.equal(more, true)
    assert.ok(works.some(work => work.message === one.id))
  })

  test('one destination does not keep the others waiting', t => {
    const { engine } = open(t)
    all(
      engine,
      Array.from({ length: 1000 }, () => submit(submission({ to: ['u@a-slow.test'] }))),
    )
    const other = submission({ to: ['u@z-quick.test'] })
    all(engine, [submit(other)])
    assert.ok(claim(engine, 300).works.some(work => work.message === other.id))
    const rest = claim(engine, 300, ['mx:a-slow.test'])
    assert.equal(rest.works.length, 0)
  })

  test('a delayed destination is passed over until its time', t => {
    const { engine, notices } = open(t)
    const message = submission({ state: 'leased' })
    const until = clock.now + 60_000
    const back = {
      is: 'ready',
      destination: 'mx:dest.test',
      attempts: 1,
      due: clock.now,
      notice: 0,
      reply: 'refused',
    } as const
    all(engine, [
      submit(message),
      {
        name: 'settle',
        input: {
          owner: 1,
          message: message.id,
          results: [{ n: 0, ...back }],
          reports: [],
          delay: { destination: 'mx:dest.test', until },
          events: [],
        },
      },
    ])
    assert.equal(claim(engine).works.length, 0)
    assert.equal(engine.nextWake(), until)
    clock.now = until
    engine.wake()
    assert.deepEqual(notices.at(-2), { is: 'delay', destination: 'mx:dest.test', until: 0 })
    const [work] = claim(engine).works
    assert.equal(work?.entries[0]?.attempts, 1)
    assert.equal(work?.entries[0]?.reply, 'refused')
  })

  test('waiting entries become ready when due, and a matter for a report when too old', t => {
    const { engine } = open(t)
    const soon = submission({ state: 'waiting' })
    const entries = soon.entries.map(entry => ({ ...entry, due: clock.now + 1000 }))
    all(engine, [submit({ ...soon, entries })])
    engine.wake()
    assert.equal(claim(engine).works.length, 0)
    assert.equal(engine.nextWake(), clock.now + 1000)
    clock.now += 1000
    engine.wake()
    all(engine, [{ name: 'release', input: { owner: 0, slot: 0 } }])
    clock.now += 5 * HOUR
    engine.wake()
    const [work] = claim(engine).works
    assert.equal(work?.entries[0]?.destination, 'report')
    assert.equal(engine.nextWake(), undefined)
  })

  test('what a lost thread had leased is free again', t => {
    const { engine } = open(t)
    all(engine, [submit(submission({ state: 'leased', owner: 7 })), submit(submission({ state: 'leased', owner: 8 }))])
    assert.deepEqual(all(engine, [{ name: 'release', input: { owner: 7, slot: 0 } }]), [{ ok: 1 }])
    assert.equal(claim(engine).works.length, 1)
  })

  test('a lost thread gets nothing more, and nothing is stored in its name', t => {
    const { engine, reader } = open(t)
    all(engine, [submit(submission()), { name: 'release', input: { owner: 7, slot: 0 } }])
    assert.equal(claim(engine, 100, [], 7).works.length, 0)
    const late = submission({ state: 'leased', owner: 7 })
    const [result] = all(engine, [submit(late)])
    assert.ok(result && 'failed' in result)
    assert.equal(reader.content(late.id), undefined)
    // Nor is anything settled: what it had is somebody else's by now.
    const settlement = { owner: 7, message: 0, results: [], reports: [submission()], delay: undefined, events: [] }
    all(engine, [{ name: 'settle', input: settlement }])
    assert.equal(reader.content(settlement.reports[0]?.id ?? 0), undefined)
    assert.equal(claim(engine, 100, [], 8).works.length, 1)
  })

  test('what a lost thread was receiving is thrown away, and nothing else', t => {
    const { engine, data } = open(t)
    const stored = submission()
    const [other, before] = [idSource(1, 0, () => clock.now)(), idSource(0, 0, () => clock.now - 1000)()]
    const names = [stored.id, other, before, nextId()].map(formatId)
    for (const name of names) writeFileSync(join(data, 'bodies', name), 'x')
    const content = { in: 'file', path: join(data, 'bodies', names[0] ?? ''), head: Buffer.alloc(0), size: 1 } as const
    all(engine, [submit({ ...stored, content }), { name: 'release', input: { owner: 9, slot: 0 } }])
    assert.deepEqual(readdirSync(join(data, 'bodies')).sort(), names.slice(0, 3).sort())
  })

  test('a damaged message is set aside with an event, and the others go on', t => {
    const { engine, reader, data } = open(t)
    const [broken, empty, sound] = [submission(), submission(), submission()]
    all(engine, [submit(broken), submit(empty), submit(sound)])
    const other = new DatabaseSync(join(data, 'staffetta.db'))
    other.prepare('UPDATE message SET envelope = ? WHERE id = ?').run('{"ret', broken.id)
    other.prepare('UPDATE message SET envelope = ? WHERE id = ?').run('null', empty.id)
    other.close()
    assert.deepEqual(
      claim(engine).works.map(work => work.message),
      [sound.id],
    )
    for (const { id } of [broken, empty]) {
      assert.deepEqual(
        reader.entriesOf(id).map(({ state, reply }) => [state, reply]),
        [['held', 'the message is damaged or missing']],
      )
      assert.match(reader.timeline(id).at(-1) ?? '', /"event":"damaged"/)
    }
  })

  test('hundreds of thousands of dead destinations are bearable', t => {
    const { engine } = open(t)
    const message = submission({ state: 'leased' })
    const delays = Array.from({ length: 150_000 }, (_, i): Asked => {
      const delay = { destination: `mx:d${i}.test`, until: clock.now + 1000 + i }
      return { name: 'settle', input: { owner: 1, message: message.id, results: [], reports: [], delay, events: [] } }
    })
    all(engine, delays)
    assert.equal(engine.nextWake(), clock.now + 1000)
  })

  test('after a restart everything leased is ready', t => {
    const data = mkdtempSync(join(tmpdir(), 'staffetta-engine-'))
    const first = openEngine({
      data,
      timeline: { maxAge: 1, maxSize: 1 },
      now: () => clock.now,
      notify: () => undefined,
      log: () => undefined,
    })
    const message = submission({ state: 'leased' })
    all(first, [submit(message)])
    first.close()
    const { engine } = open(t, data)
    assert.equal(engine.recovered, 1)
    assert.ok(engine.newestId() >= message.id)
    assert.equal(claim(engine).works.length, 1)
  })

  test('an operator changes thousands in batches, by filter', async t => {
    const { engine, reader } = open(t)
    all(
      engine,
      Array.from({ length: 4500 }, (_, i) => submit(submission({ to: [`u${i}@${i % 2 ? 'odd' : 'even'}.test`] }))),
    )
    const change = (input: Operations['change']['in']) =>
      new Promise<StorageResult<unknown>>(resolve => engine.ask({ name: 'change', input }, resolve))
    assert.deepEqual(await change({ filter: { domain: 'even.test' }, to: { is: 'hold' } }), { ok: 2250 })
    assert.equal(reader.entries({ state: 'held' }, clock.now, 10_000).length, 2250)
    assert.deepEqual(await change({ filter: { domain: 'odd.test' }, to: { is: 'delete' } }), { ok: 2250 })
    assert.deepEqual(await change({ filter: {}, to: { is: 'release' } }), { ok: 2250 })
    assert.deepEqual(await change({ filter: { recipient: 'u4@' }, to: { is: 'bounce', reason: 'by hand' } }), { ok: 1 })
    const [bounced] = claim(engine, 10_000).works.filter(work => work.entries[0]?.order)
    assert.equal(bounced?.entries[0]?.destination, 'report')
  })

  test('delivery into a mailbox and the end of the entry are one', t => {
    const { engine, reader } = open(t)
    all(engine, [
      { name: 'directory', input: { is: 'add-domain', name: 'home.test', catchAll: undefined } },
      { name: 'directory', input: { is: 'add-account', address: 'anna@home.test', hash: 'x' } },
    ])
    const account = reader.account('anna@home.test')
    assert.ok(account)
    const message = submission({ to: ['anna@home.test', 'gone@home.test'], state: 'leased' })
    const store = (n: number, id: number): Asked => ({
      name: 'settle',
      input: {
        owner: 1,
        message: message.id,
        results: [{ n, is: 'stored', account: id, head: 'Return-Path: <>\r\n' }],
        reports: [],
        delay: undefined,
        events: [],
      },
    })
    const results = all(engine, [submit(message), store(0, account.id), store(1, 99)])
    assert.ok(results[2] && 'failed' in results[2] && results[2].failed.why === 'conflict')
    // What was settled once is not settled again.
    all(engine, [store(0, account.id)])
    const mails = reader.mails(account.id, 0, 10)
    assert.deepEqual(
      mails.map(mail => [mail.uid, formatId(mail.message)]),
      [[1, formatId(message.id)]],
    )
    assert.equal(reader.entriesOf(message.id).length, 1)
  })
})

test('with an account its mail goes, and with the last copy the message and its file', async t => {
  const { engine, reader, data } = open(t)
  const directory = (input: Operations['directory']['in']): Asked => ({ name: 'directory', input })
  all(engine, [
    directory({ is: 'add-domain', name: 'home.test', catchAll: undefined }),
    directory({ is: 'add-account', address: 'anna@home.test', hash: 'x' }),
    directory({ is: 'add-account', address: 'bruno@home.test', hash: 'x' }),
  ])
  const id = nextId()
  const path = bodyPath(data, id)
  writeFileSync(path, 'a large one')
  const message = submission({
    id,
    content: { in: 'file', path, head: Buffer.from(''), size: 11 },
    to: ['anna@home.test', 'bruno@home.test'],
    state: 'leased',
  })
  const store = (n: number, address: string): Asked => {
    const account = reader.account(address)?.id ?? 0
    const results = [{ n, is: 'stored' as const, account, head: '' }]
    return { name: 'settle', input: { message: id, owner: 1, results, reports: [], delay: undefined, events: [] } }
  }
  all(engine, [submit(message), store(0, 'anna@home.test'), store(1, 'bruno@home.test')])
  const gone = async (address: string): Promise<void> => {
    all(engine, [directory({ is: 'remove-account', address })])
    for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setTimeout(resolve, 5))
  }
  await gone('anna@home.test')
  assert.ok(reader.message(id) && existsSync(path), 'bruno still has it')
  await gone('bruno@home.test')
  assert.equal(reader.message(id), undefined)
  assert.ok(!existsSync(path))
})

test('a large mailbox that is being removed does not outlive its engine, and the next start goes on', async t => {
  const data = mkdtempSync(join(tmpdir(), 'staffetta-engine-'))
  const options = {
    data,
    timeline: { maxAge: 1, maxSize: 1 },
    now: () => clock.now,
    notify: () => undefined,
    log: () => undefined,
  }
  const first = openEngine(options)
  const directory = (input: Operations['directory']['in']): Asked => ({ name: 'directory', input })
  all(first, [
    directory({ is: 'add-domain', name: 'home.test', catchAll: undefined }),
    directory({ is: 'add-account', address: 'anna@home.test', hash: 'x' }),
  ])
  for (let i = 0; i < 1200; i++) {
    const message = submission({ to: ['anna@home.test'], state: 'leased' })
    const results = [{ n: 0, is: 'stored' as const, account: 1, head: '' }]
    const settled = { message: message.id, owner: 1, results, reports: [], delay: undefined, events: [] }
    all(first, [submit(message), { name: 'settle', input: settled }])
  }
  all(first, [directory({ is: 'remove-account', address: 'anna@home.test' })])
  first.close()
  await new Promise(resolve => setTimeout(resolve, 20)) // what was scheduled finds the database closed
  const { engine, reader } = open(t, data)
  engine.sweepMailboxes()
  for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
  assert.equal(reader.mails(1, 0, 10).length, 0)
})

test('the timeline is bounded by age and by size', t => {
  const { engine, reader } = open(t)
  const old = submission()
  all(engine, [submit(old)])
  clock.now += 25 * HOUR
  const young = submission({ events: ['x'.repeat(2000)] })
  all(engine, [submit(young)])
  assert.equal(engine.prune(), false)
  assert.deepEqual(reader.timeline(old.id), [])
  assert.equal(reader.timeline(young.id).length, 1)
  all(
    engine,
    Array.from({ length: 1000 }, () => submit(submission({ events: ['x'.repeat(2000)] }))),
  )
  engine.prune()
  assert.deepEqual(reader.timeline(young.id), [])
})
