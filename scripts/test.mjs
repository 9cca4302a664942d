// Runs the tests: all of them, or the files and folders named (`npm test src/mail`). First what needs only a processor, on all cores; then,
// one file at a time, what starts servers and measures their patience. Fails when a test fails, and when a file ran no test.
import { globSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative, sep } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

/** Where files run alone. */
const ALONE = ['test/interop/', 'test/crash/', 'test/fuzz/', 'test/living/']
/** ms for one file. */
const TIMEOUT = 15 * 60_000
/** The closing lines of node:test, in its order. */
const TOTALS = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo']

const files = filesOf(process.argv.slice(2))
const alone = files.filter(file => ALONE.some(folder => file.startsWith(folder)))
const together = files.filter(file => !alone.includes(file))

const totals = new Map(TOTALS.map(name => [name, 0]))
/** What became of each file: the tests that ran, and those that were left out. */
const ran = new Map(files.map(file => [file, 0]))
const left = new Map(files.map(file => [file, 0]))
const started = performance.now()

const report = new spec()
report.pipe(process.stdout)
await runAll(together, availableParallelism())
await runAll(alone, 1)
await new Promise(resolve => {
  report.once('end', resolve)
  report.end()
})
process.exitCode = close() ? 0 : 1

/** Paths as of the root of the project, with `/`. */
function filesOf(named) {
  const files = (named.length > 0 ? named : ['src', 'test']).flatMap(place => {
    const stat = statSync(place, { throwIfNoEntry: false })
    if (!stat) fail(`There is no file or folder ${place}.`)
    return stat.isDirectory() ? globSync(`${place}/**/*.test.ts`) : [place]
  })
  if (files.length === 0) fail('There is no test file.')
  return [...new Set(files.map(file => relative('.', file).split(sep).join('/')))].sort((a, b) => a.localeCompare(b))
}

function fail(text) {
  console.error(text)
  process.exit(1)
}

async function runAll(files, concurrency) {
  if (files.length === 0) return
  const events = run({ files, concurrency, timeout: TIMEOUT, execArgv: ['--disable-warning=ExperimentalWarning'] })
  for await (const event of events) {
    count(event)
    if (!isTotal(event) && event.type !== 'test:summary' && !report.write(event))
      await new Promise(resolve => report.once('drain', resolve))
  }
}

/** A file without a test is reported by Node.js as one test that has the name of the file. */
function count({ type, data }) {
  if (type === 'test:summary' && data.file === undefined) {
    const { tests, suites, passed, cancelled, skipped, todo } = data.counts
    const failed = data.counts.failed ?? tests - passed - cancelled - skipped - todo
    const counts = { tests, suites, pass: passed, fail: failed, cancelled, skipped, todo }
    for (const [name, more] of Object.entries(counts)) totals.set(name, (totals.get(name) ?? 0) + more)
  }
  if ((type !== 'test:pass' && type !== 'test:fail') || data.file === undefined || data.details.type === 'suite') return
  const file = relative('.', data.file).split(sep).join('/')
  if (data.name === file || data.name === data.file) return
  const into = data.skip === undefined || data.skip === false ? ran : left
  into.set(file, (into.get(file) ?? 0) + 1)
}

function isTotal({ type, data }) {
  return (
    type === 'test:diagnostic' &&
    data.nesting === 0 &&
    /^(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(data.message)
  )
}

/** The last lines. Whether all is well. */
function close() {
  const strict = process.env.CI === 'true'
  const empty = files.filter(file => ran.get(file) === 0 && (strict || left.get(file) === 0))
  const skipped = files.filter(file => ran.get(file) === 0 && !empty.includes(file))
  for (const file of skipped) console.log(`ℹ left out ${file}: what it needs is not on this machine`)
  for (const file of empty) console.log(`✖ ${file} ran no test`)
  totals.set('fail', (totals.get('fail') ?? 0) + empty.length)
  for (const [name, number] of totals) console.log(`ℹ ${name} ${number}`)
  console.log(`ℹ duration_ms ${Math.round(performance.now() - started)}`)
  return totals.get('tests') > 0 && totals.get('fail') === 0 && totals.get('cancelled') === 0
}
