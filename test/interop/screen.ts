/**
 * A screen that nobody sits at (Xvfb), and hands for it (xdotool): windows are found by their titles, keys are pressed where a person would
 * press them, and what there is to see is kept as a picture.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { call, type Program, run, succeed, until } from './program.ts'
import type { Environment } from './staffetta.ts'

export interface Screen {
  /** Of programs that shall appear on it. */
  readonly env: Environment
  /** The window with such a title (a regular expression of POSIX) has the keyboard; `timeout`: ms until it must be there. */
  readonly window: (title: string, timeout?: number) => Promise<void>
  /** Resolves when there is no such window any more. */
  readonly gone: (title: string) => Promise<void>
  /** In the words of xdotool: `ctrl+r`, `Return`. */
  readonly keys: (...keys: readonly string[]) => Promise<void>
  readonly type: (text: string) => Promise<void>
  /** A picture of everything, as FOLDER/NAME.png, when programs have had time to draw. Rejects when there is nothing to see on it. */
  readonly picture: (name: string) => Promise<void>
  readonly stop: () => Promise<unknown>
}

export const SCREEN_PROGRAMS = ['Xvfb', 'xdotool', 'import', 'identify']

const SIZE = '1200x800x24'
/** An empty screen has one; one with windows that are not drawn yet has a handful. */
const COLOURS = 32
/** ms */
const DRAWING = 700

/** `folder`: where the pictures go. */
export async function openScreen(folder: string): Promise<Screen> {
  mkdirSync(folder, { recursive: true })
  // It chooses the first free display and writes its number.
  const args = ['-displayfd', '1', '-screen', '0', SIZE, '-nolisten', 'tcp', '-noreset']
  const server = run({ name: 'Xvfb', args })
  const number = await displayOf(server)
  const env = { DISPLAY: `:${number}` }
  const xdotool = (...words: readonly string[]) => succeed({ name: 'xdotool', args: words, env })
  const find = async (title: string): Promise<string | undefined> => {
    // Without a window of that title it fails.
    const { stdout } = await call({ name: 'xdotool', args: ['search', '--onlyvisible', '--name', title], env })
    return stdout.toString().trim().split('\n').at(-1) || undefined
  }
  const titles = async (): Promise<string[]> => {
    const { stdout } = await call({ name: 'xdotool', args: ['search', '--onlyvisible', '--name', '.'], env })
    const all = stdout
      .toString()
      .split('\n')
      .filter(id => id !== '')
    const names = all.map(id => call({ name: 'xdotool', args: ['getwindowname', id], env }))
    return (await Promise.all(names)).map(done => done.stdout.toString().trim())
  }
  return {
    env,
    async window(title, timeout) {
      let seen: readonly string[] = []
      const id = await until(
        () => `a window “${title}” among ${JSON.stringify(seen)}`,
        async () => {
          const found = await find(title)
          if (found === undefined) seen = await titles()
          return found
        },
        timeout,
      )
      // There is no window manager that would do it.
      await xdotool('windowraise', id, 'windowfocus', '--sync', id)
    },
    async gone(title) {
      await until(`the end of the window “${title}”`, async () =>
        (await find(title)) === undefined ? true : undefined,
      )
    },
    async keys(...keys) {
      await xdotool('key', '--clearmodifiers', '--delay', '50', ...keys)
    },
    async type(text) {
      await xdotool('type', '--clearmodifiers', '--delay', '20', text)
    },
    async picture(name) {
      await sleep(DRAWING)
      const file = join(folder, `${name}.png`)
      await succeed({ name: 'import', args: ['-window', 'root', file], env })
      const colours = Number(await succeed({ name: 'identify', args: ['-format', '%k', file] }))
      if (!(colours >= COLOURS)) throw new Error(`There are only ${colours} colours in ${name}.png.`)
    },
    stop: () => server.stop(),
  }
}

async function displayOf(server: Program): Promise<string> {
  return await until(
    () => `a display: ${server.output()}`,
    () => {
      if (server.hasEnded()) throw new Error(`No display: ${server.output()}`)
      return /^(\d+)\n/m.exec(server.output())?.[1]
    },
  )
}
