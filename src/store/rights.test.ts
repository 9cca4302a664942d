import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addRights, ALL_RIGHTS, formatRights, parseRights, removeRights, rightsOf } from './rights.ts'

test('rights are letters in one order; those of RFC 2086 stand for what took their place', () => {
  assert.equal(parseRights(''), '')
  assert.equal(parseRights('rl'), 'lr')
  assert.equal(parseRights('rrl'), 'lr')
  assert.equal(parseRights('c'), 'kx')
  assert.equal(parseRights('d'), 'te')
  assert.equal(parseRights('lrswipcda'), ALL_RIGHTS)
  for (const wrong of ['R', 'lrq', ' ', '0', 'ü']) assert.equal(parseRights(wrong), undefined)
})

test('who knows only RFC 2086 is told of c and d where a part of them is there', () => {
  assert.equal(formatRights(''), '')
  assert.equal(formatRights('lr'), 'lr')
  assert.equal(formatRights('lrk'), 'lrkc')
  assert.equal(formatRights('lrx'), 'lrxc')
  assert.equal(formatRights('te'), 'ted')
  assert.equal(formatRights(ALL_RIGHTS), 'lrswipkxteacd')
})

test('rights are added and removed', () => {
  assert.equal(addRights('lr', 'rs'), 'lrs')
  assert.equal(removeRights('lrs', 'rx'), 'ls')
})

test('an account has what it, all and everybody were given, less what was taken', () => {
  const acl = [
    { identifier: 'anna@example.org', rights: 'lrsw' },
    { identifier: 'anyone', rights: 'l' },
    { identifier: 'authuser', rights: 'r' },
    { identifier: '-bob@example.org', rights: 'r' },
    { identifier: '-anyone', rights: 'w' },
  ]
  assert.equal(rightsOf(acl, 'anna@example.org'), 'lrs')
  assert.equal(rightsOf(acl, 'bob@example.org'), 'l')
  assert.equal(rightsOf(acl, 'carl@example.org'), 'lr')
  assert.equal(rightsOf([], 'carl@example.org'), '')
})
