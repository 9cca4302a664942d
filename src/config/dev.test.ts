import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { DEV_CAUGHT, devSettings } from './dev.ts'

test('dev mode listens on loopback only, and nothing leaves the machine', () => {
  const settings = devSettings()
  assert.equal(settings.dev, true)
  assert.equal(settings.hostname, 'staffetta.test')
  assert.equal(settings.data, resolve('data'))
  const places = settings.listeners.map(one => (one.on === 'tcp' ? `${one.kind} ${one.host} ${one.port}` : one.path))
  assert.deepEqual(
    places.filter(place => place.includes('127.0.0.1')),
    [
      'smtp 127.0.0.1 2525',
      'submission 127.0.0.1 2587',
      'submissions 127.0.0.1 2465',
      'imap 127.0.0.1 2143',
      'imaps 127.0.0.1 2993',
      'pop3 127.0.0.1 2110',
      'pop3s 127.0.0.1 2995',
    ],
  )
  assert.ok(places.every(place => / (127\.0\.0\.1|::1) /.test(place)))
  assert.deepEqual(settings.relayFrom, ['127.0.0.0/8', '::1/128'])
  assert.deepEqual(settings.cleartextLoginFrom, ['127.0.0.0/8', '::1/128'])
  const limits = { lifetime: undefined, concurrency: undefined, rate: undefined }
  assert.deepEqual(settings.routes, [{ to: ['*'], route: { ...limits, via: 'mailbox', account: DEV_CAUGHT } }])
})

test('folder and ports of dev mode may be others', () => {
  const settings = devSettings({ data: '/tmp/elsewhere', ports: { smtp: 0, submission: 5587, pop3: 0 } })
  assert.equal(settings.data, '/tmp/elsewhere')
  const ports = new Set(settings.listeners.map(one => (one.on === 'tcp' ? `${one.kind} ${one.port}` : '')))
  assert.deepEqual(
    [...ports],
    ['smtp 0', 'submission 5587', 'submissions 2465', 'imap 2143', 'imaps 2993', 'pop3 0', 'pop3s 2995'],
  )
})

test('the settings can be handed to a thread', () => {
  assert.deepEqual(structuredClone(devSettings()), devSettings())
})
