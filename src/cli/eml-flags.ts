/** The flags of the messages in a folder of .eml files, which have no place for them: a line `NAME TAB FLAG FLAG …` each; the last of a name counts. */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { type Flags, SYSTEM_FLAGS } from '../mail/flags.ts'

export const FLAGS_FILE = 'flags.tsv'

export type EmlFlags = ReadonlyMap<string, Flags>

/** Empty where there is no such file. */
export async function readEmlFlags(folder: string): Promise<EmlFlags> {
  const found = new Map<string, Flags>()
  try {
    await using file = await open(join(folder, FLAGS_FILE), 'r')
    for await (const line of file.readLines()) {
      const [name = '', names] = line.split('\t')
      if (names !== undefined) found.set(name, flagsOf(names.split(' ')))
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
  return found
}

export function emlFlagsLine(name: string, { system, keywords }: Flags): string {
  const names = SYSTEM_FLAGS.filter(([bit]) => (system & bit) !== 0).map(([, flag]) => flag)
  return `${name}\t${[...names, ...keywords].join(' ')}\n`
}

/** Names as IMAP has them; system flags that we don't know are overlooked. */
export function flagsOf(names: Iterable<string>): Flags {
  let system = 0
  const keywords: string[] = []
  for (const name of names) {
    const known = SYSTEM_FLAGS.find(([, flag]) => flag.toLowerCase() === name.toLowerCase())
    if (known) system |= known[0]
    else if (name !== '' && !name.startsWith('\\')) keywords.push(name)
  }
  return { system, keywords }
}
