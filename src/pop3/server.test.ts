/** The machine alone: what `server/pop3.test.ts` cannot say in a dialogue, above all that nothing makes it fail. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Line } from '../mail/line.ts'
import { mark, newMaildrop, unmarkAll } from './maildrop.ts'
import { NEW_SESSION, step, takesLine } from './server.ts'
import type { Context, Effect, Event, Session } from './session.ts'

const CONTEXT: Context = { hostname: 'mx.example.org', limits: { errors: 5 }, startTls: true, clearLogin: false }
const LINK = { tls: true, errors: 0 }
const maildrop = newMaildrop(1, Uint32Array.of(1, 2), Uint32Array.of(10, 20))
const transaction: Session = { at: 'transaction', link: LINK, maildrop }
const line = (text: string): Event => ({ on: 'line', line: { is: 'line', text } })

test('an event that cannot come is our own mistake', () => {
  const wrong: readonly (readonly [Session, Event])[] = [
    [NEW_SESSION, line('QUIT')],
    [transaction, { on: 'connected', tls: true }],
    [transaction, { on: 'sent' }],
    [transaction, { on: 'secured' }],
    [{ at: 'opening', link: LINK }, line('QUIT')],
    [
      { at: 'authorization', link: LINK, user: undefined },
      { on: 'opened', maildrop },
    ],
    [
      { at: 'authorization', link: LINK, user: undefined },
      { on: 'updated', removed: true },
    ],
  ]
  for (const [session, event] of wrong) {
    assert.throws(() => step(session, event, CONTEXT), /cannot happen/, `${session.at} ${event.on}`)
  }
})

test('when we stop, what goes out is finished, what is being removed too, and nobody hears more than he can read', () => {
  const shutdown: Event = { on: 'shutdown' }
  const said = (session: Session): string[] => step(session, shutdown, CONTEXT).effects.map(effect => effect.do)
  assert.deepEqual(said(transaction), ['reply', 'close'])
  assert.deepEqual(said({ at: 'securing', link: LINK }), ['close'])
  assert.deepEqual(said({ at: 'updating', count: 1 }), [])
  const sending = step({ at: 'sending', link: LINK, maildrop, leaving: false }, shutdown, CONTEXT)
  assert.deepEqual(sending.effects, [])
  const { next, effects } = step(sending.next, { on: 'sent' }, CONTEXT)
  assert.deepEqual([next.at, ...effects.map(effect => effect.do)], ['closed', 'reply', 'close'])
})

test('silence that lasts too long removes nothing and hears nothing', () => {
  assert.deepEqual(step(transaction, { on: 'timeout' }, CONTEXT).effects, [{ do: 'close' }]) // RFC 1939 §3
})

/** Some answer to what the machine asks. */
function answerTo(effect: Effect, luck: number): Event | undefined {
  switch (effect.do) {
    case 'open':
      if (luck % 2 === 0) return { on: 'opened', maildrop }
      return {
        on: 'not-opened',
        why: (['wrong', 'blocked', 'busy', 'in-use', 'no-maildrop'] as const)[luck % 5] ?? 'wrong',
      }
    case 'list':
      return { on: 'sent' }
    case 'send':
      return luck % 3 === 0 ? { on: 'not-sent', why: luck % 2 === 0 ? 'gone' : 'unreadable' } : { on: 'sent' }
    case 'update':
      return { on: 'updated', removed: luck % 2 === 0 }
    case 'start-tls':
      return { on: 'secured' }
    case 'mark':
      mark(maildrop, effect.n)
      return undefined
    case 'unmark-all':
      unmarkAll(maildrop)
      return undefined
    case 'reply':
    case 'challenge':
    case 'lines':
    case 'close':
      return undefined
  }
}

test('whatever a client says, each line gets an answer, and refusals come to an end', () => {
  const verbs = fc.constantFrom(
    'USER anna',
    'PASS x',
    'AUTH PLAIN',
    'AUTH LOGIN',
    'AHgAeQ==',
    '*',
    'STLS',
    'CAPA',
    'UTF8',
    'STAT',
    'LIST',
    'LIST 1',
    'UIDL',
    'UIDL 2',
    'RETR 1',
    'TOP 1 1',
    'DELE 1',
    'DELE 2',
    'RSET',
    'NOOP',
    'QUIT',
    'BOGUS',
    'RETR 99',
    'DELE x',
    '',
  )
  const lines: fc.Arbitrary<Line> = fc.oneof(
    { weight: 9, arbitrary: verbs.map(text => ({ is: 'line' as const, text })) },
    fc.string({ unit: 'binary' }).map(text => ({ is: 'line' as const, text })),
    fc.constantFrom('overlong', 'bare-newline', 'not-utf8').map(why => ({ is: 'malformed' as const, why })),
  )
  const script = fc.array(fc.tuple(lines, fc.nat(30)), { maxLength: 60 })
  fc.assert(
    fc.property(script, fc.boolean(), (all, clearLogin) => {
      unmarkAll(maildrop)
      const context = { ...CONTEXT, clearLogin }
      let session: Session = step(NEW_SESSION, { on: 'connected', tls: false }, context).next
      let refusals = 0
      for (const [said, luck] of all) {
        if (session.at === 'closed') break
        assert.ok(takesLine(session), session.at)
        let heard = 0
        let event: Event | undefined = { on: 'line', line: said }
        while (event) {
          const { next, effects }: ReturnType<typeof step> = step(session, event, context)
          session = next
          event = undefined
          for (const effect of effects) {
            if (effect.do === 'reply' && effect.reply.is === '-ERR') refusals++
            if (effect.do === 'reply' || effect.do === 'challenge' || effect.do === 'send') heard++
            event = answerTo(effect, luck) ?? event
          }
        }
        assert.ok(heard >= 1, 'each line is answered')
        if ('link' in session) assert.ok(session.link.errors < context.limits.errors)
      }
      assert.ok(refusals <= all.length + 1)
    }),
    { numRuns: 500 },
  )
})
