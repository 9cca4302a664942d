/** Debian's Dovecot as a judge: its `imap` program alone, over pipes, logged in already, with a mailbox in a temporary folder. No port, no daemon. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ids } from './postfix.ts'

export const DOVECOT_IMAP = '/usr/lib/dovecot/imap'

/** Of one message: what FETCH answered, item (in upper case) → value; strings are bytes in Latin-1 characters. */
export type Fetched = ReadonlyMap<string, Tree>
/** RFC 9051 §4: NIL is undefined, numbers and atoms are text, too. */
export type Tree = string | undefined | readonly Tree[]

/** Appends the messages to an empty mailbox, and fetches of each what `items` says. */
export async function askDovecot(
  messages: readonly { readonly bytes: Buffer; readonly items: string }[],
): Promise<Fetched[]> {
  const folder = mkdtempSync(join(tmpdir(), 'dovecot-'))
  try {
    const config = await configure(folder)
    const appends = messages.flatMap(({ bytes }) => [
      Buffer.from(`a APPEND INBOX {${bytes.length}+}\r\n`),
      bytes,
      Buffer.from('\r\n'),
    ])
    const fetches = messages.map(({ items }, place) => `f FETCH ${place + 1} (${items})\r\n`)
    const commands = [...appends, Buffer.from(`s SELECT INBOX\r\n${fetches.join('')}l LOGOUT\r\n`)]
    const text = await converse(config, join(folder, 'home'), Buffer.concat(commands))
    const fetched = answers(text)
    return messages.map((_, place) => {
      const items = fetched.get(place + 1)
      assert.ok(items, /^\S+ (?:BAD|NO) .*$/m.exec(text)?.[0] ?? text.slice(-1000))
      return items
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function configure(folder: string): Promise<string> {
  const { user, group } = await ids('nobody')
  chownSync(folder, user, group)
  for (const name of ['run', 'home']) {
    mkdirSync(join(folder, name))
    chownSync(join(folder, name), user, group)
  }
  const config = join(folder, 'dovecot.conf')
  const lines = [
    `base_dir = ${folder}/run`,
    `state_dir = ${folder}/run`,
    `log_path = ${folder}/log`,
    `mail_home = ${folder}/home`,
    'mail_location = sdbox:~/sdbox',
    `mail_uid = ${user}`,
    `mail_gid = ${group}`,
    'first_valid_uid = 1',
    'ssl = no',
    'stats_writer_socket_path =',
    'namespace inbox {',
    '  inbox = yes',
    '  separator = /',
    '}',
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  return config
}

/** All that the program answers. Its input stays open until it has said good-bye: it stops in the middle when that ends. */
async function converse(config: string, home: string, commands: Buffer): Promise<string> {
  // Not from a socket, which Node's pipes are: the program would ask for a login.
  const child = spawn('sh', ['-c', `cat | ${DOVECOT_IMAP} -c '${config}' | cat`], {
    env: { ...process.env, USER: 'judge', HOME: home },
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: 60_000,
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    if (Buffer.concat(chunks.slice(-2)).includes('\r\nl OK')) child.stdin.end()
  })
  child.stdin.on('error', () => {}) // it may end before it has read everything
  child.stdin.write(commands)
  await once(child, 'close')
  return Buffer.concat(chunks).toString('latin1')
}

/** By sequence number. */
function answers(output: string): ReadonlyMap<number, Fetched> {
  const fetched = new Map<number, Fetched>()
  const start = /\* (\d+) FETCH /y
  for (let at = 0; at < output.length; ) {
    start.lastIndex = at
    const match = start.exec(output)
    if (match === null) {
      const next = output.indexOf('\n', at)
      at = next === -1 ? output.length : next + 1
      continue
    }
    const { tree, end } = readTree(output, start.lastIndex)
    assert.ok(Array.isArray(tree))
    const items = new Map<string, Tree>()
    for (let item = 0; item + 1 < tree.length; item += 2) items.set(String(tree[item]).toUpperCase(), tree[item + 1])
    // Flags that changed come unasked, by themselves.
    if (items.size > 1) fetched.set(Number(match[1]), items)
    at = end
  }
  return fetched
}

/** The value that begins at `at`: a list, a string or an atom. */
export function readTree(text: string, at = 0): { readonly tree: Tree; readonly end: number } {
  if (text[at] === '(') return readList(text, at + 1)
  if (text[at] === '"') {
    const [quoted = ''] = /"(?:[^"\\]|\\.)*"/sy.exec(text.slice(at)) ?? []
    return { tree: quoted.slice(1, -1).replace(/\\(.)/g, '$1'), end: at + quoted.length }
  }
  if (text[at] === '{') {
    const start = text.indexOf('\n', at) + 1
    const end = start + Number(/\d+/.exec(text.slice(at, start))?.[0])
    return { tree: text.slice(start, end), end }
  }
  const [atom = ''] = /^[^\s()[\]]+(?:\[[^\]]*\])?/.exec(text.slice(at, at + 500)) ?? []
  assert.notEqual(atom, '', text.slice(at, at + 100))
  return { tree: atom === 'NIL' ? undefined : atom, end: at + atom.length }
}

function readList(text: string, start: number): { readonly tree: Tree; readonly end: number } {
  const list: Tree[] = []
  let at = start
  while (text[at] !== ')') {
    assert.ok(at < text.length, 'a list is not closed')
    if (text[at] === ' ') at++
    else {
      const { tree, end } = readTree(text, at)
      list.push(tree)
      at = end
    }
  }
  return { tree: list, end: at + 1 }
}
