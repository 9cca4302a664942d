import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Command, parseCommand } from './command.ts'
import { replies } from './replies.ts'

const refused = (name: keyof typeof replies): Command => ({ verb: 'malformed', reply: replies[name] })
const long = 'a'.repeat(300)

const COMMANDS: readonly (readonly [line: string, command: Command])[] = [
  ['USER anna@example.org', { verb: 'USER', name: 'anna@example.org' }],
  ['user  anna ', { verb: 'USER', name: 'anna' }],
  [`USER ${long}`, { verb: 'USER', name: long }],
  ['USER', refused('needsArgument')],
  ['PASS  two words ', { verb: 'PASS', password: ' two words ' }],
  ['PASS', { verb: 'PASS', password: '' }],
  [`pass ${long}`, { verb: 'PASS', password: long }],
  ['PASS \x07', refused('control')],
  ['AUTH PLAIN', { verb: 'AUTH', mechanism: 'PLAIN', initial: undefined }],
  ['AUTH plain =', { verb: 'AUTH', mechanism: 'plain', initial: '=' }],
  ['AUTH', refused('needsArgument')],
  ['AUTH PLAIN a b', refused('badBase64')],
  [`AUTH ${'X'.repeat(21)}`, refused('noMechanism')],
  ['CAPA', { verb: 'CAPA' }],
  ['capa ', { verb: 'CAPA' }],
  ['CAPA x', refused('noArgument')],
  ['QUIT', { verb: 'QUIT' }],
  ['STAT', { verb: 'STAT' }],
  ['LIST', { verb: 'LIST', n: undefined }],
  ['LIST 2', { verb: 'LIST', n: 2 }],
  ['LIST x', refused('needsNumber')],
  ['LIST -1', refused('needsNumber')],
  ['LIST 99999999999', refused('needsNumber')],
  ['UIDL 007', { verb: 'UIDL', n: 7 }],
  ['RETR 1', { verb: 'RETR', n: 1 }],
  ['RETR', refused('needsNumber')],
  ['RETR 1 2', refused('needsNumber')],
  ['DELE 1e3', refused('needsNumber')],
  ['TOP 1 0', { verb: 'TOP', n: 1, lines: 0 }],
  ['TOP 1  10', { verb: 'TOP', n: 1, lines: 10 }],
  ['TOP 1', refused('needsNumbers')],
  ['TOP 1 -1', refused('needsNumbers')],
  ['TOP 1 2 3', refused('needsNumbers')],
  ['APOP anna c4c9334bac560ecc979e58001b3e22fb', refused('unknown')],
  ['', refused('unknown')],
  [`LIST ${' '.repeat(300)}1`, refused('overlong')],
  ['LI\0ST', refused('control')],
  ['GET / HTTP/1.1', { verb: 'foreign' }],
  ['EHLO client.example', { verb: 'foreign' }],
]

for (const [line, command] of COMMANDS) {
  test(`${JSON.stringify(line.slice(0, 40))} is ${command.verb}`, () => assert.deepEqual(parseCommand(line), command))
}

test('any line is some command', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), line => assert.equal(typeof parseCommand(line).verb, 'string')))
})
