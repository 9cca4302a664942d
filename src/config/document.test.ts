import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { configurationDocument } from './document.ts'

test('docs/configuration.md is what the schema says', () => {
  const committed = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
  assert.equal(committed, configurationDocument(), 'run: node scripts/configuration-doc.ts')
})

test('every key has a type and a meaning', () => {
  const rows = configurationDocument()
    .split('\n')
    .filter(line => line.startsWith('| `'))
  assert.ok(rows.length > 60)
  for (const row of rows) {
    const [, key = '', type = '', , meaning = ''] = row.split(/(?<!\\)\|/).map(cell => cell.trim())
    assert.ok(type !== '' && meaning !== '', key)
  }
})
