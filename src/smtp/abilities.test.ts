import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_LIMITS, parseAbilities, withoutExtensions } from './abilities.ts'

const NOTHING = {
  name: 'mx.example',
  pipelining: false,
  chunking: false,
  binaryMime: false,
  eightBitMime: false,
  smtputf8: false,
  dsn: false,
  startTls: false,
  size: undefined,
  auth: [],
  limits: NO_LIMITS,
}

const reply = (...text: string[]) => ({ code: 250, status: undefined, text })

const CASES: [string[], object][] = [
  [[], {}],
  [
    ['pipelining', 'CHUNKING', 'BINARYMIME', '8BITMIME', 'SMTPUTF8', 'DSN', 'STARTTLS', 'X-OTHER a b', '???', ''],
    {
      pipelining: true,
      chunking: true,
      binaryMime: true,
      eightBitMime: true,
      smtputf8: true,
      dsn: true,
      startTls: true,
    },
  ],
  [['SIZE 1000'], { size: 1000 }],
  [['SIZE'], { size: 0 }],
  [['SIZE many'], { size: 0 }],
  [['AUTH plain LOGIN'], { auth: ['PLAIN', 'LOGIN'] }],
  [['AUTH PLAIN', 'AUTH=LOGIN'], { auth: ['PLAIN', 'LOGIN'] }],
  [['LIMITS RCPTMAX=10 mailmax=5 RCPTDOMAINMAX=1 OTHER=x'], { limits: { mails: 5, recipients: 10, domains: 1 } }],
  [['LIMITS RCPTMAX=0 MAILMAX=-1 RCPTDOMAINMAX=9999999'], {}],
]

test('an EHLO reply tells the abilities', () => {
  for (const [lines, expected] of CASES) {
    assert.deepEqual(parseAbilities(reply('mx.example hello', ...lines)), { ...NOTHING, ...expected }, lines.join())
  }
})

test('HELO brings none', () => {
  assert.deepEqual(withoutExtensions(reply('mx.example', 'PIPELINING')), NOTHING)
})
