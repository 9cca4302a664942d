import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFullName, parseNetwork, pattern, resolver } from './values.ts'

const NETWORKS: readonly (readonly [text: string, cidr: string | undefined])[] = [
  ['10.1.2.0/24', '10.1.2.0/24'],
  ['192.0.2.7', '192.0.2.7/32'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['2001:db8::/32', '2001:db8::/32'],
  ['::1', '::1/128'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.1/128'],
  ['10.1.2.0/33', undefined],
  ['::/129', undefined],
  ['10.1.2.0/', undefined],
  ['10.1.2.0/24/8', undefined],
  ['10.1.2.0/-1', undefined],
  ['10.1.2/24', undefined],
  ['fe80::1%eth0', undefined],
  ['example.org', undefined],
  ['', undefined],
]

const NAMES: readonly (readonly [name: string, full: boolean])[] = [
  ['mx1.example.org', true],
  ['MX1.EXAMPLE.ORG', true],
  ['xn--bcher-kva.example', true],
  ['staffetta.test', true],
  ['mx1', false],
  ['localhost', false],
  ['mail.localhost', false],
  ['box.localdomain', false],
  ['mx1.example.org.', false],
  ['-a.example', false],
  ['a_b.example', false],
  ['192.0.2.1', false],
  [`${'a'.repeat(64)}.example`, false],
  [`${'a.'.repeat(126)}example`, false],
]

const PATTERNS: readonly (readonly [input: string, pattern: string | undefined])[] = [
  ['*', '*'],
  ['Example.ORG', 'example.org'],
  ['*.Example.org', '*.example.org'],
  ['Anna+x@Example.org', 'anna+x@example.org'],
  ['bücher.example', 'bücher.example'],
  ['localhost', 'localhost'],
  ['*example.org', undefined],
  ['a.*.org', undefined],
  ['*@example.org', undefined],
  ['anna@', undefined],
  ['@example.org', undefined],
  ['anna@*.example.org', undefined],
  ['example..org', undefined],
  ['exa mple.org', undefined],
  [`${'a'.repeat(65)}@example.org`, undefined],
  ['', undefined],
]

const RESOLVERS: readonly (readonly [text: string, good: boolean])[] = [
  ['127.0.0.1', true],
  ['127.0.0.1:53', true],
  ['::1', true],
  ['[::1]:5353', true],
  ['[::1]', false],
  ['[127.0.0.1]:53', false],
  ['127.0.0.1:0', false],
  ['127.0.0.1:65536', false],
  ['dns.example', false],
]

test('networks in CIDR notation', () => {
  for (const [text, cidr] of NETWORKS) assert.equal(parseNetwork(text), cidr, text)
})

test('full names', () => {
  for (const [name, full] of NAMES) assert.equal(isFullName(name), full, name)
})

test('recipient patterns', () => {
  for (const [input, expected] of PATTERNS) assert.equal(pattern().safeParse(input).data, expected, input)
})

test('resolvers', () => {
  for (const [text, good] of RESOLVERS) assert.equal(resolver().safeParse(text).success, good, text)
})
