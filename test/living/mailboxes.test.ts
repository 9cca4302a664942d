/** The sessions of `test/model/` with the whole server over sockets: one thing at a time, on two protocol threads. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openOverSockets } from '../model/over-sockets.ts'
import { run } from '../model/run.ts'

const SEED = Number(process.env['STAFFETTA_SEED'] ?? 1)
const STEPS = Number(process.env['STAFFETTA_LIVING_STEPS'] ?? 1000)

test(`${STEPS} steps of seed ${SEED} over sockets`, async () => {
  const steps = Array.from({ length: STEPS }, (_, i) => i + 1)
  const failure = await run({ seed: SEED, steps, open: openOverSockets })
  if (failure) assert.fail(`seed ${SEED}, step ${failure.step}: ${failure.why}\n${failure.exchanges.join('\n')}`)
})
