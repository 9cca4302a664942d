import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLog } from './lines.ts'

const line = (level: number, name: string): string => JSON.stringify({ level, time: 0, event: name })

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'staffetta-log-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function holds(path: string, text: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (existsSync(path) && readFileSync(path, 'utf8').includes(text)) return
    await sleep(10)
  }
  assert.fail(`${path} does not hold ${text}`)
}

test('lines below the level are left out', async t => {
  const path = join(folderFor(t), 'a/b.log')
  const log = openLog({ to: 'file', path }, 'warn')
  log.write([line(30, 'accepted'), line(40, 'refused')])
  await holds(path, 'refused')
  assert.equal(readFileSync(path, 'utf8'), `${line(40, 'refused')}\n`)
})

test('after a rename the old file is written to until the log is reopened', async t => {
  const path = join(folderFor(t), 'x.log')
  const log = openLog({ to: 'file', path }, 'info')
  log.write([line(30, 'one')])
  await holds(path, 'one')
  renameSync(path, `${path}.1`)
  log.write([line(30, 'two')])
  await holds(`${path}.1`, 'two')
  log.reopen()
  log.write([line(30, 'three')])
  await holds(path, 'three')
})

test('a log that cannot be opened is said once, stops nothing, and is there again when it is reopened', async t => {
  const said = t.mock.method(console, 'error', () => undefined)
  const folder = folderFor(t)
  const place = join(folder, 'place')
  writeFileSync(place, 'no folder')
  const log = openLog({ to: 'file', path: join(place, 'x.log') }, 'info')
  for (let number = 0; number < 40; number++) {
    log.write([line(30, 'x'.repeat(1000))])
    await sleep(20) // longer than it takes until what was collected is written
  }
  log.end()
  assert.equal(said.mock.callCount(), 1)
  assert.match(String(said.mock.calls[0]?.arguments[0]), /the log cannot be written: (?:ENOTDIR|EEXIST)/)
  rmSync(place)
  log.reopen()
  log.write([line(30, 'again')])
  await holds(join(place, 'x.log'), 'again')
})
