/** Who may do what: ports below 1024 as root, everything after that as a user without rights; one server on a data folder and on a port. */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync, lstatSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePort, missingRights, needs } from '../interop/program.ts'
import { ANNA, newPlace } from './place.ts'
import { greeted, handIn } from './talk.ts'

const { excuse } = needs([], missingRights())

/** Owner, group and path of everything in the folder. */
function owners(folder: string): { uid: number; gid: number; path: string }[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(path => join(folder, path))
  return [folder, ...paths].map(path => {
    const { uid, gid } = lstatSync(path)
    return { uid, gid, path }
  })
}

function idsOf(user: string): { uid: number; gid: number } {
  const [, , uid, gid] = new RegExp(`^${user}:.*$`, 'm').exec(readFileSync('/etc/passwd', 'utf8'))?.[0].split(':') ?? []
  return { uid: Number(uid), gid: Number(gid) }
}

test('started as root with `user`: port 25 is bound, and no thread stays root', { skip: excuse }, async t => {
  const host = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(2, 255)}` // port 25 of an address that nobody else has
  const place = await newPlace({
    user: 'nobody',
    listeners: { smtp: { port: 25, host }, submissions: { port: 465, host } },
    log: { file: 'data/staffetta.log' },
  })
  t.after(() => place.remove())
  await place.start()
  const nobody = idsOf('nobody')

  const tasks = readdirSync(`/proc/${place.pid}/task`)
  assert.ok(tasks.length > 4)
  for (const task of tasks) {
    const status = readFileSync(`/proc/${place.pid}/task/${task}/status`, 'utf8')
    assert.match(status, new RegExp(`^Uid:(\\t${nobody.uid}){4}$`, 'm'))
    assert.match(status, new RegExp(`^Gid:(\\t${nobody.gid}){4}$`, 'm'))
    assert.doesNotMatch(status, /^Groups:.*\b0\b/m)
    assert.match(status, /^CapEff:\t0+$/m)
  }
  const talk = await greeted({ port: 25, host })
  assert.match(
    await handIn(talk, 'tim@example.net', ANNA, `Subject: Big\r\n\r\n${'x'.repeat(70)}\r\n`.repeat(5000)),
    /^250 /,
  )
  await place.mail(ANNA, 'Subject: Big')
  assert.match(await place.hangUp(), /was read again/)
  for (const { path, ...ids } of owners(join(place.folder, 'data'))) assert.deepEqual(ids, nobody, path)
  assert.equal(await place.stop(), 0)
  await place.start() // its own files are its own again
  assert.match(await handIn(await greeted({ port: 25, host }), 'tim@example.net', ANNA, 'Subject: x\r\n\r\nx'), /^250 /)
})

test('a user that there is not, and root, are no users to go on as', { skip: excuse }, async t => {
  const place = await newPlace({ user: 'no-such-user' })
  t.after(() => place.remove())
  for (const [user, says] of [
    ['no-such-user', /there is no user no-such-user/],
    ['root', /root is no user to go on as/],
  ] as const) {
    const file = join(place.folder, `${user}.json`)
    writeFileSync(file, JSON.stringify({ hostname: 'mx.living.test', user, listeners: { smtp: { port: place.port } } }))
    const { code, stderr } = await place.second(file)
    assert.match(stderr, says)
    assert.equal(code, 69)
  }
})

test('one server on a data folder, and one on a port', async t => {
  const place = await newPlace()
  t.after(() => place.remove())
  await place.start()
  const other = async (data: string, port: number): Promise<string> => {
    const file = join(place.folder, 'other.json')
    const listeners = { smtp: { port, host: '127.0.0.1' } }
    writeFileSync(file, JSON.stringify({ hostname: 'mx.living.test', data, listeners }))
    const { code, stderr } = await place.second(file)
    assert.equal(code, 69, stderr)
    assert.equal(stderr.trim().split('\n').length, 1, stderr)
    return stderr
  }
  assert.match(await other('data', await freePort()), /another process is using the data folder .*\/data/)
  assert.match(await other('elsewhere', place.port), /EADDRINUSE.*another program is listening there/)
  writeFileSync(join(place.folder, 'a-file'), '')
  assert.match(await other('a-file', await freePort()), /the data folder .*\/a-file cannot be used: EEXIST/)
  assert.match(
    await handIn(await greeted({ port: place.port }), 'tim@example.net', ANNA, 'Subject: x\r\n\r\nx'),
    /^250 /,
  )
})
