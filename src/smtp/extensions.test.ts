import assert from 'node:assert/strict'
import { test } from 'node:test'
import { announce, type Offer } from './extensions.ts'
import type { Context } from './session.ts'

const context: Context = {
  kind: 'smtp',
  hostname: 'mx.example.org',
  limits: { messageSize: 5000, recipients: 100, messagesPerSession: 50, errors: 10, idleCommands: 10 },
  startTls: true,
  tlsRequired: false,
  clearLogin: false,
  loginRequired: true,
  longestHold: 60_000,
  now: () => Date.UTC(2026, 0, 1, 12, 30, 15, 999),
}
const always = [
  'PIPELINING',
  'SIZE 5000',
  '8BITMIME',
  'ENHANCEDSTATUSCODES',
  'SMTPUTF8',
  'DSN',
  'CHUNKING',
  'BINARYMIME',
  'LIMITS RCPTMAX=100 MAILMAX=50',
  'HELP',
]
const hold = 'FUTURERELEASE 60 2026-01-01T12:31:15Z'
const login = 'AUTH PLAIN LOGIN'

type Case = readonly [name: string, offer: Partial<Context> & Partial<Omit<Offer, 'context'>>, more: readonly string[]]
const cases: readonly Case[] = [
  ['port 25', {}, ['STARTTLS']],
  ['port 25 under TLS', { tls: true }, []],
  ['no certificate', { startTls: false }, []],
  ['clear log-in is not for port 25', { clearLogin: true }, ['STARTTLS']],
  ['submission', { kind: 'submission' }, ['STARTTLS', hold]],
  ['submission under TLS', { kind: 'submission', tls: true }, [login, hold]],
  ['submission with clear log-in', { kind: 'submission', clearLogin: true }, ['STARTTLS', login, hold]],
  ['submissions', { kind: 'submissions', tls: true }, [login, hold]],
  ['logged in', { kind: 'submissions', tls: true, login: 'anna' }, [hold]],
  ['nothing is held', { kind: 'submissions', tls: true, longestHold: 0 }, [login]],
  ['LMTP', { kind: 'lmtp', startTls: false }, []],
]
for (const [name, { tls = false, login: account, ...settings }, more] of cases) {
  test(`extensions: ${name}`, () => {
    const announced = announce({ context: { ...context, ...settings }, tls, login: account })
    assert.deepEqual(announced.toSorted(), [...always, ...more].toSorted())
  })
}
