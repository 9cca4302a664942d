import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatAddress } from '../mail/address.ts'
import { type Command, parseCommand } from './command.ts'
import { type OwnReply, replies } from './replies.ts'

function short(command: Command): unknown {
  if (command.verb === 'malformed') return command.reply
  if (command.verb === 'MAIL') return command.returnPath === '<>' ? '<>' : `<${formatAddress(command.returnPath)}>`
  if (command.verb === 'RCPT') return command.path === 'postmaster' ? command.path : `<${formatAddress(command.path)}>`
  return command
}

const good: readonly (readonly [line: string, expected: unknown])[] = [
  ['EHLO mail.example.org', { verb: 'EHLO', name: 'mail.example.org' }],
  ['ehlo  [192.0.2.1] ', { verb: 'EHLO', name: '[192.0.2.1]' }],
  ['HELO my_pc', { verb: 'HELO', name: 'my_pc' }],
  ['LHLO [IPv6:fe80::1%eth0]', { verb: 'LHLO', name: '[IPv6:fe80::1%eth0]' }],
  ['MAIL FROM:<a@example.org>', '<a@example.org>'],
  ['mail from: <a@example.org> ', '<a@example.org>'],
  ['MAIL FROM:<>', '<>'],
  ['MAIL FROM:<@x.example,@y.example:a@example.org>', '<a@example.org>'],
  ['MAIL FROM:<"a b>"@example.org> SIZE=5', '<"a b>"@example.org>'],
  ['RCPT TO:<a@example.org>', '<a@example.org>'],
  ['RCPT TO:<Postmaster>', 'postmaster'],
  ['DATA', { verb: 'DATA' }],
  ['QUIT  ', { verb: 'QUIT' }],
  ['NOOP anything', { verb: 'NOOP' }],
  ['VRFY a', { verb: 'VRFY' }],
  ['BDAT 0', { verb: 'BDAT', chunk: { size: 0, last: false } }],
  ['bdat 12 last', { verb: 'BDAT', chunk: { size: 12, last: true } }],
  ['BDAT -1', { verb: 'BDAT', chunk: undefined }],
  ['BDAT 1 LASTLY', { verb: 'BDAT', chunk: undefined }],
  ['BDAT 1234567890123456', { verb: 'BDAT', chunk: undefined }],
  ['AUTH PLAIN', { verb: 'AUTH', mechanism: 'PLAIN', initial: undefined }],
  ['AUTH PLAIN =', { verb: 'AUTH', mechanism: 'PLAIN', initial: '=' }],
  ['GET / HTTP/1.1', { verb: 'foreign' }],
  ['PRI * HTTP/2.0', { verb: 'foreign' }],
]
for (const [line, expected] of good)
  test(`command: ${line}`, () => assert.deepEqual(short(parseCommand(line)), expected))

const bad: readonly (readonly [line: string, reply: OwnReply])[] = [
  ['', replies.unknown],
  [' NOOP', replies.unknown],
  ['MAILFROM:<a@b.example>', replies.unknown],
  ['EHLO', replies.badName],
  ['EHLO a b', replies.badName],
  ['EHLO (comment)', replies.badName],
  [`EHLO ${'x'.repeat(256)}`, replies.badName],
  ['MAIL', replies.badSender],
  ['MAIL FROM <a@b.example>', replies.badSender],
  ['MAIL FROM:  <a@b.example>', replies.badSender],
  ['MAIL FROM:a@b.example', replies.badSender],
  ['MAIL FROM:<a@b.example', replies.badSender],
  ['MAIL FROM:<a@b.example>>', replies.badSender],
  ['MAIL FROM:<postmaster>', replies.badSender],
  ['RCPT TO:<>', replies.badRecipient],
  ['RCPT TO:<a>', replies.badRecipient],
  ['RCPT FROM:<a@b.example>', replies.badRecipient],
  ['RCPT TO:<a@b.example> SIZE=1', replies.unknownParameter],
  ['DATA x', replies.noArgument],
  ['STARTTLS x', replies.noArgument],
  ['VRFY', replies.needsArgument],
  ['AUTH', replies.needsArgument],
  [`AUTH ${'X'.repeat(21)}`, replies.noMechanism],
  ['NOOP \t\x07', replies.control],
  [`NOOP ${'x'.repeat(2048)}`, replies.overlong],
  [`NOOP ${'ö'.repeat(1022)}`, replies.overlong],
  ['MAIL FROM:<jörg@b.example>', replies.senderNeedsUtf8],
  ['SAML FROM:<a@b.example>', replies.notHere],
]
for (const [line, reply] of bad) {
  test(`command: ${JSON.stringify(line.slice(0, 40))}`, () => assert.equal(short(parseCommand(line)), reply))
}

test('a long AUTH is no other command', () => {
  assert.equal(parseCommand(`AUTH PLAIN ${'x'.repeat(12000)}`).verb, 'AUTH')
})

const mail: readonly (readonly [parameters: string, expected: object | OwnReply])[] = [
  ['', {}],
  ['SIZE=0', { size: 0 }],
  ['size=12345678901234567890', { size: Number('12345678901234567890') }],
  ['SIZE', replies.badParameter],
  ['SIZE=', replies.badParameter],
  ['SIZE=123456789012345678901', replies.badParameter],
  ['BODY=8bitMIME', { body: '8BITMIME' }],
  ['BODY=BINARYMIME  SMTPUTF8', { body: 'BINARYMIME', smtputf8: true }],
  ['BODY', replies.badParameter],
  ['SMTPUTF8=yes', replies.badParameter],
  ['RET=full', { ret: 'FULL' }],
  ['RET=SOME', replies.badParameter],
  ['ENVID=a+2Bb', { envid: 'a+b' }],
  ['ENVID=a+b', replies.badParameter],
  [`ENVID=${'x'.repeat(101)}`, replies.badParameter],
  ['AUTH=<>', {}],
  ['AUTH=a+40b.example', {}],
  ['AUTH=', replies.badParameter],
  ['HOLDFOR=60', { hold: { for: 60000 } }],
  ['HOLDFOR=0', replies.badParameter],
  ['HOLDFOR=1234567890', replies.badParameter],
  ['HOLDUNTIL=2026-01-01t00:00:00.5+01:00', { hold: { until: Date.UTC(2025, 11, 31, 23, 0, 0, 500) } }],
  ['HOLDUNTIL=2026-13-01T00:00:00Z', replies.badParameter],
  ['HOLDUNTIL=2026-01-01', replies.badParameter],
  ['HOLDFOR=1 HOLDUNTIL=2026-01-01T00:00:00Z', replies.badParameter],
  ['RET=FULL ret=HDRS', replies.repeatedParameter],
  ['constructor=1', replies.unknownParameter],
  ['=1', replies.unknownParameter],
]
const nothing = { size: undefined, body: '7BIT', smtputf8: false, ret: undefined, envid: undefined, hold: undefined }
for (const [parameters, expected] of mail) {
  test(`parameters of MAIL: ${parameters}`, () => {
    const command = parseCommand(`MAIL FROM:<a@b.example>${parameters === '' ? '' : ` ${parameters}`}`)
    if ('code' in expected) assert.deepEqual(command, { verb: 'malformed', reply: expected })
    else assert.deepEqual(command.verb === 'MAIL' && command.parameters, { ...nothing, ...expected })
  })
}

const rcpt: readonly (readonly [parameters: string, expected: object | OwnReply])[] = [
  ['NOTIFY=NEVER', { notify: [] }],
  ['notify=delay,Failure', { notify: ['FAILURE', 'DELAY'] }],
  ['NOTIFY=NEVER,DELAY', replies.badParameter],
  ['NOTIFY=DELAY,DELAY', replies.badParameter],
  ['NOTIFY=', replies.badParameter],
  ['NOTIFY', replies.badParameter],
  ['ORCPT=RFC822;a+2Bb@example.org', { original: { type: 'rfc822', address: 'a+b@example.org' } }],
  ['ORCPT=utf-8;j\\x{F6}rg@example.org', { original: { type: 'utf-8', address: 'jörg@example.org' } }],
  ['ORCPT=rfc822;j+C3+B6rg@example.org', { original: { type: 'utf-8', address: 'jörg@example.org' } }], // Postfix 3.7
  ['ORCPT=rfc822;j+C3rg@example.org', replies.badParameter],
  ['ORCPT=rfc822;j+0D+0A@example.org', replies.badParameter],
  ['ORCPT=rfc822;', replies.badParameter],
  ['ORCPT=a@example.org', replies.badParameter],
  [`ORCPT=rfc822;${'x'.repeat(500)}`, replies.badParameter],
]
for (const [parameters, expected] of rcpt) {
  test(`parameters of RCPT: ${parameters}`, () => {
    const command = parseCommand(`RCPT TO:<a@b.example> ${parameters}`)
    if ('code' in expected) assert.deepEqual(command, { verb: 'malformed', reply: expected })
    else
      assert.deepEqual(command.verb === 'RCPT' && command.parameters, {
        notify: undefined,
        original: undefined,
        ...expected,
      })
  })
}

test('any line at all is a command or has a reply', () => {
  const start = fc.constantFrom('', 'MAIL FROM:', 'RCPT TO:<a@b.example> ', 'MAIL FROM:<> ', 'BDAT ', 'AUTH ', 'EHLO ')
  fc.assert(
    fc.property(start, fc.string({ unit: 'binary' }), (verb, text) => {
      const command = parseCommand(verb + text)
      if (command.verb === 'malformed') assert.ok(command.reply.code >= 500)
    }),
  )
})
