import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { type Begun, secondStart } from './process-start.ts'

const BEGUN: Begun = {
  platform: 'linux',
  execPath: '/bin/node',
  execArgv: ['--cpu-prof'],
  argv: ['/srv/main.js', 'serve', '-c', 'a b.json'],
  env: { HOME: '/root' },
  cores: 2,
}

test('a server begins again once, with all it was given', () => {
  const again = secondStart(BEGUN)
  assert.deepEqual(again, {
    args: ['/bin/node', '--v8-pool-size=2', '--cpu-prof', '/srv/main.js', 'serve', '-c', 'a b.json'],
    env: { HOME: '/root', MALLOC_TRIM_THRESHOLD_: '131072' },
  })
  assert.equal(secondStart({ ...BEGUN, env: again?.env ?? {} }), undefined)
})

test('on a large machine V8 has no more helpers than it has by itself', () => {
  assert.equal(secondStart({ ...BEGUN, cores: 64 })?.args[1], '--v8-pool-size=4')
})

test('who set it has decided, and other systems have nothing of it', () => {
  assert.equal(secondStart({ ...BEGUN, env: { MALLOC_TRIM_THRESHOLD_: '0' } }), undefined)
  assert.equal(secondStart({ ...BEGUN, platform: 'darwin' }), undefined)
})

test('it is the same process afterwards', { skip: process.platform !== 'linux' }, async t => {
  const program = `
    import { startAgain } from ${JSON.stringify(new URL('./process-start.ts', import.meta.url).href)}
    startAgain()
    console.log(process.pid, process.execArgv.find(flag => flag.startsWith('--v8-pool-size')), process.env.MALLOC_TRIM_THRESHOLD_)`
  const { MALLOC_TRIM_THRESHOLD_: _, ...env } = process.env
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await once(child, 'close')
  assert.match(said, new RegExp(`^${child.pid} --v8-pool-size=[1-4] 131072\n$`))
})
