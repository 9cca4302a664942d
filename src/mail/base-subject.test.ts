import assert from 'node:assert/strict'
import { test } from 'node:test'
import { baseSubject } from './base-subject.ts'

const CASES: readonly (readonly [subject: string, base: string, answer: boolean])[] = [
  ['', '', false],
  ['hello', 'hello', false],
  ['  hello \t world ', 'hello world', false],
  ['Re: hello', 'hello', true],
  ['RE : hello', 'hello', true],
  ['Fwd: hello', 'hello', true],
  ['fw: hello', 'hello', true],
  ['Re: Re: fwd: hello', 'hello', true],
  ['Re[2]: hello', 'hello', true],
  ['Re [list]: hello', 'hello', true],
  ['[list] hello', 'hello', false],
  ['[list] Re: hello', 'hello', true],
  ['Re: [list] hello', 'hello', true],
  ['[a] [b] Re: [c] Re: hello', 'hello', true],
  ['[list]', '[list]', false],
  ['[a] [b]', '[b]', false],
  ['Re: [list]', '[list]', true],
  ['hello (fwd)', 'hello', true],
  ['hello (fwd) (FWD) ', 'hello', true],
  ['[fwd: hello]', 'hello', true],
  ['[Fwd: Re: [Fwd: hello (fwd)]]', 'hello', true],
  ['[fwd: hello] x', 'x', false],
  ['Re:', '', true],
  ['Rehello', 'Rehello', false],
  ['report: hello', 'report: hello', false],
  ['AW: hello', 'AW: hello', false],
]

for (const [subject, text, answer] of CASES) {
  void test(`base subject of ${JSON.stringify(subject)}`, () =>
    assert.deepEqual(baseSubject(subject), { text, answer }))
}

void test('a subject has an end', () => {
  assert.equal(baseSubject('x'.repeat(100_000)).text.length, 2000)
  for (const piece of ['[a]', 'Re:', '[fwd:', '(fwd)', ' [a] Re: ']) baseSubject(piece.repeat(20_000))
})
