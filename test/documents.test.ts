/** What the documents say of the project is true. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'
import { rfcDocument } from '../scripts/rfc-doc.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const documents = ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT })]

test('docs/rfc.md is what the comments say', () => {
  assert.equal(read('docs/rfc.md'), rfcDocument(), 'run: node scripts/rfc-doc.ts')
})

test('links lead to files that exist', () => {
  const dead = documents.flatMap(path =>
    [...read(path).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
      .map(([, to = '']) => join(dirname(path), to))
      .filter(to => !existsSync(join(ROOT, to)))
      .map(to => `${path} names ${to}`),
  )
  assert.deepEqual(dead, [])
})

test('the files of src that the documents name exist', () => {
  const folders = 'mail|sasl|dns|config|smtp|imap|pop3|log|storage|net|directory|store|policy|queue|delivery|server|cli'
  const named = new RegExp(`\`(?:src/)?((?:${folders})/[\\w./-]*)\``, 'g')
  const missing = documents.flatMap(path =>
    [...read(path).matchAll(named)]
      .map(([, to = '']) => to)
      .filter(to => !existsSync(join(ROOT, 'src', to)) && !existsSync(join(ROOT, 'src', `${to}.ts`)))
      .map(to => `${path} names ${to}`),
  )
  assert.deepEqual(missing, [])
})

test('every decision is in the list of decisions', () => {
  const list = read('docs/decisions/README.md')
  const unlisted = globSync('docs/decisions/[0-9]*.md', { cwd: ROOT }).filter(
    path => !list.includes(`(${basename(path)})`),
  )
  assert.deepEqual(unlisted, [])
})
