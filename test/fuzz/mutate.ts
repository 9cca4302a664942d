import { pick, type Random } from './random.ts'

const TOKENS = [
  '(',
  ')',
  '"',
  '\\',
  ' ',
  '{5}\r\n',
  '{3+}\r\n',
  '~{1+}\r\n',
  '{0}\r\n',
  '\r\n',
  '\n',
  '\r',
  '\0',
  '\xff',
  '*',
  '%',
  '&',
  '[',
  ']',
  '<',
  '>',
  '4294967296',
  '99999999999999999999',
  '{9999999999+}\r\n',
  '$',
  'NIL',
  '..',
  ':',
  ',',
  '-',
  'UID ',
] as const

/** A little of it is changed, cut out, put in, doubled. */
export function mutate(text: string, random: Random): string {
  let now = text
  for (let count = random(3) > 0 ? 1 : 1 + random(3); count > 0; count--) {
    const at = random(Math.min(now.length, 400) + 1)
    const end = Math.min(now.length, at + random(12))
    const token = pick(random, TOKENS).repeat(random(40) === 0 ? 300 : 1)
    const middle = pick(random, [token, '', now.slice(at, end).repeat(2), token, String.fromCharCode(random(256))])
    now = now.slice(0, at) + middle + now.slice(random(2) === 0 ? at : end)
  }
  return random(30) === 0 ? now.slice(0, random(now.length)) : now
}
