/** What clients of POP3 send that are broken, hostile, or only odd: whole sessions by seed. */
import type { MailInput } from './imap-input.ts'
import { mutate } from './mutate.ts'
import { pick, type Random } from './random.ts'
import { USERS } from './imap-words.ts'

const POP3 = [
  'CAPA',
  'NOOP',
  'STAT',
  'LIST',
  'LIST 1',
  'LIST 4294967296',
  'LIST 0',
  'LIST -1',
  'UIDL',
  'UIDL 2',
  'RETR 1',
  'RETR 2',
  'RETR 3',
  'RETR 99999999999999999999',
  'TOP 1 0',
  'TOP 2 10',
  'TOP 1 99999999999',
  'TOP 1',
  'DELE 1',
  'DELE 2',
  'RSET',
  'UTF8',
  'STLS',
  'QUIT',
  'USER anna@fuzz.test',
  'PASS secret',
  'PASS ',
  `PASS ${'x'.repeat(500)}`,
  'AUTH PLAIN',
  'AUTH PLAIN AGFubmFAZnV6ei50ZXN0AHNlY3JldA==',
  'AUTH PLAIN =',
  'AUTH LOGIN\r\nYW5uYUBmdXp6LnRlc3Q=\r\nc2VjcmV0',
  'AUTH PLAIN\r\n*',
  `AUTH PLAIN ${'A'.repeat(15_000)}`,
  'AUTH X',
  'AUTH',
  'APOP anna x',
  'XYZZY',
  'GET / HTTP/1.1',
  '',
  '\0',
  'x'.repeat(20_000),
] as const

export function newPop3Input(random: Random): MailInput {
  let text = ''
  if (random(4) > 0) text += `USER ${pick(random, USERS)}\r\nPASS secret\r\n`
  const more = 4 + random(16)
  for (let n = 0; n < more; n++) {
    const command = pick(random, POP3)
    text += `${random(2) === 0 ? mutate(command, random) : command}${random(20) === 0 ? pick(random, ['\n', '\r', '']) : '\r\n'}`
  }
  if (random(4) === 0) text += 'QUIT\r\n'
  return { bytes: Buffer.from(text, 'latin1'), commands: more }
}
