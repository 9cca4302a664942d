import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { type FakeClient, openFakeServer } from './fake-client.ts'

const ANNA = 'anna@example.org'
const SIZE = 400_000

/** Octets of all kinds, with line ends now and then. */
const octets = Buffer.alloc(SIZE)
for (let at = 0; at < SIZE; at++) octets[at] = at % 61 === 0 ? 0x0a : (Math.imul(at, 2_654_435_761) >>> 13) & 0x7f

const quotedPrintable = octets
  .toString('latin1')
  .replaceAll(/[^!-<>-~]/g, byte => `=${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
  .replaceAll(/(?:=..|[^=]){1,25}/g, '$&=\r\n')
const base64 = octets.toString('base64')

const BODIES = [
  { name: 'base64', encoding: 'base64', body: base64.replaceAll(/.{76}/g, '$&\r\n') },
  { name: 'base64 in lines of all lengths', encoding: 'base64', body: base64.replaceAll(/.{1,61}/g, '$&\r\n') },
  { name: 'base64 without line ends', encoding: 'base64', body: base64 },
  { name: 'quoted-printable', encoding: 'quoted-printable', body: quotedPrintable },
]

/** A client with the message, which is a file, selected. */
async function open(t: TestContext, encoding: string, body: string): Promise<FakeClient> {
  const server = await openFakeServer([ANNA])
  t.after(() => server.close())
  const anna = await server.connect(ANNA)
  const message = `Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}`
  assert.match(await anna.say(`APPEND INBOX {${message.length}+}\r\n`, message), /^\. OK \[APPENDUID/)
  await anna.say('SELECT INBOX')
  return anna
}

async function read(anna: FakeClient, from: number, length: number): Promise<Buffer> {
  const answer = await anna.say(`FETCH 1 BINARY.PEEK[1]<${from}.${length}>`)
  const size = /^\* 1 FETCH \(BINARY\[1\]<\d+> (?:~\{(\d+)\}\r\n|"")/.exec(answer)
  assert.ok(size, answer.slice(0, 100))
  const start = size[0].length
  const end = start + Number(size[1] ?? 0)
  assert.match(answer.slice(end), /^\)\r\n\. OK/)
  return Buffer.from(answer.slice(start, end), 'latin1')
}

for (const { name, encoding, body } of BODIES) {
  test(`${name}: pieces that are read one behind the other begin where the last one ended`, async t => {
    const anna = await open(t, encoding, body)
    const pieces: Buffer[] = []
    for (let at = 0; at < SIZE; at += 65_536) {
      pieces.push(await read(anna, at, 65_536))
      const place = anna.loop.session.selected?.bookmark?.decoded ?? 0
      assert.ok(place <= at + 65_536)
      // The memory that is read at once gives at most 128 KB.
      assert.ok(place >= at - 131_072, `${place} at ${at}`)
    }
    assert.ok(Buffer.concat(pieces).equals(octets))
  })

  test(`${name}: pieces in any order are what they are of the whole`, async t => {
    const anna = await open(t, encoding, body)
    const piece = fc.tuple(
      fc.nat(SIZE + 10),
      fc.oneof(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: SIZE })),
    )
    await fc.assert(
      fc.asyncProperty(piece, async ([from, length]) => {
        assert.ok((await read(anna, from, length)).equals(octets.subarray(from, from + length)))
      }),
      { numRuns: 25 },
    )
  })
}
