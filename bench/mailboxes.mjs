/** Mailboxes beside Dovecot, with the rig of `../shared/bench-imap`: each server in turn, all its rounds, then a table with the ratios. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
/** What is better when it is less. */
const LESS = /_ms$|_MB$|_kB_per_conn$|_missed$/
/** Checks of the rig itself. */
const CHECKS = /_hits$|^client_|_bytes$|_processes$|_files$/

/** `peers`: variants of the rig's Dovecot. `scenarios`: letters of the rig, '' for all. */
export function mailboxes(rig, { peers, scenarios, rounds }) {
  const results = join(root, 'bench/results')
  mkdirSync(results, { recursive: true })
  const servers = [...peers.map(variant => ['dovecot', variant]), [join(root, 'bench/staffetta-mail'), 'staffetta']]
  const runs = servers.map(([adapter, variant], i) => run(rig, adapter, variant, 26_000 + i * 1000, scenarios, rounds))
  writeFileSync(join(results, 'latest.mailboxes.json'), JSON.stringify(runs, undefined, 1))
  const text = table(runs)
  writeFileSync(join(results, 'latest.mailboxes.md'), text)
  console.log(text)
}

function run(rig, adapter, variant, base, scenarios, rounds) {
  // On the disk of the project: a temporary folder may be in memory.
  const work = mkdtempSync(join(root, '.bench-'))
  chmodSync(work, 0o755) // Dovecot's log-in has a user of its own
  const out = join(work, 'result.json')
  const args = [join(rig, 'bench.py'), adapter, variant, '--rounds', String(rounds), '--base', String(base)]
  const only = scenarios === '' ? [] : ['--only', scenarios]
  const { status } = spawnSync('python3', [...args, ...only, '--work', join(work, 'server'), '--out', out], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) process.exit(status ?? 1)
  const result = JSON.parse(readFileSync(out, 'utf8'))
  rmSync(work, { recursive: true, force: true })
  for (const error of result.errors ?? []) console.error(`${result.server}: ${error}`)
  return result
}

function table(runs) {
  const ours = runs.at(-1)
  const peers = runs.slice(0, -1)
  const heads = ['', ...runs.map(({ server }) => server), 'of the better peer']
  const lines = [heads, heads.map(() => '---')]
  for (const [scenario, values] of Object.entries(ours.median)) {
    lines.push([`**${scenario.slice(2)}**`, ...runs.map(() => ''), ''])
    for (const name of Object.keys(values).filter(name => !CHECKS.test(name))) {
      const value = values[name]
      const theirs = peers.map(({ median }) => median[scenario]?.[name])
      const known = theirs.filter(other => typeof other === 'number')
      const best = LESS.test(name) ? Math.min(...known) : Math.max(...known)
      const ratio = known.length === 0 || best === 0 ? '' : LESS.test(name) ? best / value : value / best
      lines.push([name, ...[...theirs, value].map(number), ratio === '' ? '' : `${ratio.toFixed(2)} times as good`])
    }
  }
  return `${lines.map(cells => `| ${cells.join(' | ')} |`).join('\n')}\n`
}

function number(value) {
  if (typeof value !== 'number') return ''
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
