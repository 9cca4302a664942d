/** Exim 4.96 as previous and as next hop. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Exim, missingExim, startExim } from './exim.ts'
import { CARLA, hopTests, JORG } from './hops.ts'
import { missingRights, needs } from './program.ts'

const LOGIN = { user: 'staffetta', pass: 'the smarthost password' }
const needed = needs(['openssl', 'setpriv'], [...missingExim(), ...missingRights()])

test('the foreign programs are here', { skip: needed.excuse }, () => assert.deepEqual(needed.missing, []))

hopTests<Exim>({
  name: 'Exim',
  skip: needed.skip,
  start: port =>
    startExim({
      hostname: 'mx.neighbour.test',
      mailboxes: [CARLA, JORG],
      login: { user: LOGIN.user, password: LOGIN.pass },
      transports: { 'staffetta.test': { host: '127.0.0.1', port } },
    }),
  isEmpty: async exim => (await exim.queue()).trim() === '',
  auth: LOGIN,
  more: exim => {
    test('Exim hands mail over by BDAT (RFC 3030)', () => {
      // Its log marks a delivery with CHUNKING by a K.
      assert.match(exim().log(), /=> .*staffetta\.test.* K C="250 /)
    })

    test('we log in at Exim, our smarthost', () => {
      assert.match(exim().log(), /<= anna@staffetta\.test .* P=esmtpsa .* A=plain:staffetta /)
    })
  },
})
