// Runs the tests: all of them, or the files and folders named. Fails when no test ran.
import { spawnSync } from 'node:child_process'
import { globSync, statSync } from 'node:fs'

const named = process.argv.slice(2)
const files = (named.length > 0 ? named : ['src', 'test']).flatMap(place =>
  statSync(place).isDirectory() ? globSync(`${place}/**/*.test.ts`) : [place],
)
if (files.length === 0) {
  console.error('No test file found.')
  process.exit(1)
}
const run = spawnSync(process.execPath, ['--test', '--test-reporter=spec', '--disable-warning=ExperimentalWarning', ...files.sort()], {
  stdio: 'inherit',
})
process.exit(run.status ?? 1)
