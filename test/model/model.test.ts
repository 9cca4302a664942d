/**
 * Several sessions act on the mailboxes of one account, and a model in memory follows: every untagged response is legal where it stands,
 * every client's view converges to the model, every answer is what the model says. STAFFETTA_SEED: another run; STAFFETTA_STEPS: its length.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openInProcess } from './in-process.ts'
import { type Failure, run } from './run.ts'

const SEED = Number(process.env['STAFFETTA_SEED'] ?? 1)
const STEPS = Number(process.env['STAFFETTA_STEPS'] ?? 10_000)
/** Runs that may be made to find fewer steps that fail too, and the steps in all of them. */
const TRIES = 60
const TRIED_STEPS = 30_000

const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1)

test(`${STEPS} steps of seed ${SEED}`, async t => {
  const failure = await run({ seed: SEED, steps: upTo(STEPS), open: openInProcess })
  if (!failure) return
  t.diagnostic(textOf(failure))
  const { steps, last } = await shrink(upTo(failure.step), failure)
  assert.fail(`${textOf(last)}\nafter no more than the steps ${steps.join(',')}`)
})

function textOf({ step, why, exchanges }: Failure): string {
  return `seed ${SEED}, step ${step}: ${why}\n${exchanges.join('\n')}`
}

/** Fewer steps that fail, in whatever way: parts are left out as long as that goes. */
async function shrink(
  failing: readonly number[],
  first: Failure,
): Promise<{ steps: readonly number[]; last: Failure }> {
  let steps = failing
  let last = first
  let left = TRIED_STEPS
  let part = Math.ceil(steps.length / 2)
  for (let tries = 0, at = 0; tries < TRIES && left > 0 && part > 0; tries++) {
    const fewer = [...steps.slice(0, at), ...steps.slice(at + part)]
    left -= fewer.length
    const failure = await run({ seed: SEED, steps: fewer, open: openInProcess })
    if (failure) {
      steps = fewer.filter(step => step <= failure.step)
      last = failure
    } else at += part
    if (at < steps.length) continue
    at = 0
    part = Math.floor(part / 2)
  }
  return { steps, last }
}
