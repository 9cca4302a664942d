// Runs before start, test, check, build and bench: installs what the lockfile names when it isn't there yet.
// It must run on the machine's own Node, whatever its version; everything after it runs on the Node of the lockfile.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'

const root = new URL('../', import.meta.url)
const installed = new URL('node_modules/.package-lock.json', root)
const lock = new URL('package-lock.json', root)

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  console.error('Installing the packages of package-lock.json …')
  const npm = spawnSync('npm', ['ci', '--loglevel=error', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
  if (npm.status !== 0) {
    console.error('npm ci failed; the lines above say why.')
    process.exit(npm.status ?? 1)
  }
}
