import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { runDialogue } from './dialogue.ts'

for (const file of globSync(join(import.meta.dirname, '*.txt')).sort()) {
  test(`dialogue: ${basename(file, '.txt')}`, () => runDialogue(readFileSync(file, 'utf8')))
}
