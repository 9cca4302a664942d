import { readFile, stat } from 'node:fs/promises'
import { CommandError, usage } from './access.ts'

/** The standard input to its end. Throws CommandError over `most` bytes. */
export async function readInput(most: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > most) throw new CommandError(`the standard input is longer than ${most} bytes`)
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

/** Throws CommandError for what can't be read, or is over `most` bytes. */
export async function readInputFile(path: string, most: number): Promise<Buffer> {
  try {
    if ((await stat(path)).size > most) throw new CommandError(`${path} is longer than ${most} bytes`)
    return await readFile(path)
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw usage(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}
