/**
 * Staffetta beside Postfix, in one run, with the rig of `../shared/bench` (or STAFFETTA_RIG): its scenarios a to f in rounds, then what the
 * rig doesn't have: 200,000 messages for a dead destination, and how long the event loops were held up at full load.
 *
 *   npm run bench                       everything (about 15 minutes on a quiet machine)
 *   npm run bench -- --scenario a,b     some of the rig's scenarios, `--rounds N`, `--peers postfix,exim4`
 *   npm run bench -- --only backlog,loops
 *   npm run bench -- --only mailboxes --mail-scenario a,g   beside Dovecot (`../shared/bench-imap`, or STAFFETTA_MAIL_RIG)
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { backlog } from './backlog.mjs'
import { loops } from './loops.mjs'
import { mailboxes } from './mailboxes.mjs'

const root = resolve(import.meta.dirname, '..')
const rig = process.env.STAFFETTA_RIG ?? join(root, '../shared/bench')
const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: 'postfix' },
    scenario: { type: 'string', default: 'a,b,c,d,f' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: 'rig,loops,backlog,mailboxes' },
    'mail-peers': { type: 'string', default: 'maildir,sdbox' },
    'mail-scenario': { type: 'string', default: '' },
    messages: { type: 'string', default: '200000' },
  },
})

if (!existsSync(join(rig, 'run'))) {
  console.error(`The rig is not in ${rig}; name its folder with STAFFETTA_RIG.`)
  process.exit(69)
}
const only = new Set(values.only.split(','))
if (only.has('rig')) {
  const suts = `${values.peers},${join(root, 'bench/staffetta')}`
  const out = join(root, 'bench/results/latest')
  const run = spawnSync(
    'node',
    [join(rig, 'run'), '--sut', suts, '--scenario', values.scenario, '--rounds', values.rounds, '--out', out],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  if (run.status !== 0) process.exit(run.status ?? 1)
}
if (only.has('loops')) await loops(rig)
if (only.has('backlog')) await backlog(rig, Number(values.messages))
if (only.has('mailboxes')) {
  const mailRig = process.env.STAFFETTA_MAIL_RIG ?? join(root, '../shared/bench-imap')
  if (!existsSync(join(mailRig, 'bench.py'))) {
    console.error(`The rig for mailboxes is not in ${mailRig}; name its folder with STAFFETTA_MAIL_RIG.`)
    process.exit(69)
  }
  const peers = values['mail-peers'].split(',')
  mailboxes(mailRig, { peers, scenarios: values['mail-scenario'], rounds: Number(values.rounds) })
}
