/**
 * The architecture, as a table that is checked: a folder of src, or a file at its root; what it is for; whom it may import. From the ground
 * up: a row names only rows above it, so that nothing goes in a circle. The way of a message through it: docs/life-of-a-message.md.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const TABLE = `
  mail               | what mail is: address, envelope, header, reply, outcome, report           |
  sasl               | the steps of a login                                                      |
  dns                | questions to name servers, and a fake that answers                        |
  config             | what a user writes, checked, and how it is explained                      |

  garbage.ts         | what starting up leaves in memory                                         |
  process-start.ts   | what is only read when a process begins                                   |
  smtp               | the language, and the machines of both sides                              | mail sasl config
  imap               | the language: commands, responses                                         | mail sasl
  pop3               | the language, and its machine                                             | mail sasl
  log                | events, and the lines that they become                                    | mail
  storage            | the thread that writes to the disk; queue, mailboxes, directory, timeline | mail log garbage.ts
  net                | listeners, connections, TLS, deadlines                                    | config
  directory          | who exists, and who may be whom                                           | mail sasl

  store              | mailboxes: views, names, rights, search, descriptions                     | mail storage
  policy             | what we let happen                                                        | mail smtp config storage directory
  queue              | what waits; it is handed a function that delivers                         | mail log storage directory
  delivery           | one attempt: mailbox, MX, relay, LMTP, function                           | mail smtp config dns net directory
  server             | a connection, and what answers it                                         | mail sasl smtp imap pop3 config log storage net directory store policy queue

  client.ts          | for programs that only send                                               | mail config dns net delivery
  index.ts           | the package, as programs import it                                        | mail config server client.ts
  post-office.ts     | what a thread does with mail, put together                                | mail smtp config dns storage net directory store queue delivery server
  threads.ts         | what the threads say to each other                                        | mail config net
  protocol-thread.ts | one per core: sessions and deliveries                                     | mail smtp config dns storage net directory server garbage.ts post-office.ts threads.ts
  rights.ts          | giving up those of root                                                   |
  supervisor.ts      | starts, replaces and stops the threads                                    | mail config log storage net garbage.ts threads.ts rights.ts
  control.ts         | the socket for the command line                                           | mail storage threads.ts supervisor.ts
  cli                | the command line                                                          | mail sasl smtp imap config log dns storage net directory store delivery client.ts threads.ts control.ts supervisor.ts
  main.ts            | the program                                                               | cli control.ts process-start.ts supervisor.ts
`
/** Each library has one place that gives it our words: a file, or the folder whose business it is. */
const LIBRARIES: Readonly<Record<string, string>> = {
  '@mongodb-js/saslprep': 'sasl/prepare.ts',
  '@node-rs/argon2': 'directory/passwords.ts',
  commander: 'cli/',
  'dns-packet': 'dns/message.ts',
  imapflow: 'cli/import-imap.ts',
  libmime: 'cli/',
  nodemailer: 'cli/',
  pino: 'log/lines.ts',
  zod: 'config/',
}

/** Folders without sockets, clock, chance, names and disk, and all that they may have from Node. */
const PURE = ['mail', 'sasl', 'smtp', 'imap', 'pop3']
const PURE_MODULES = ['node:buffer', 'node:url', 'node:module'] // the last: to load a library late
const IMPURE =
  /\b(?:Date\.now|new Date\(\)|Math\.random|performance\.|process\.|setTimeout|setInterval|setImmediate|await fetch\(|crypto\.|console\.)/

/** One level of folders, but for these. */
const NESTED = ['storage/sqlite', 'storage/postgres', 'imap/commands', 'server/imap']
const NAMELESS = ['utils', 'util', 'common', 'core', 'shared', 'helpers', 'lib', 'types', 'misc']

const MAY_IMPORT = new Map(
  TABLE.split('\n')
    .filter(line => line.trim() !== '')
    .map(line => {
      const [name = '', , others = ''] = line.split('|').map(cell => cell.trim())
      return [name, others.split(' ').filter(other => other !== '')]
    }),
)

const SRC = join(import.meta.dirname, '../src')

interface Source {
  /** `smtp/line.ts` */
  readonly path: string
  readonly code: string
  /** Files of ours (as `path`), modules of Node (`node:fs`), and libraries (`zod`). */
  readonly imports: readonly string[]
}

const sources: readonly Source[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter(path => path.endsWith('.ts') && !path.endsWith('.test.ts'))
  .sort()
  .map(path => {
    const code = withoutComments(readFileSync(join(SRC, path), 'utf8'))
    return { path, code, imports: importsOf(path, code) }
  })

function withoutComments(text: string): string {
  return text.replaceAll(/^\s*\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '')
}

function importsOf(path: string, code: string): string[] {
  const statements = code.matchAll(
    /^(?:import|export)\s(?:[^'";]*?\sfrom\s)?'(?<from>[^']+)'|\bimport\('(?<called>[^']+)'\)/gm,
  )
  return [...statements].flatMap(({ groups }) => {
    const name = groups?.['from'] ?? groups?.['called'] ?? ''
    if (name.startsWith('.')) return [join(dirname(path), name)]
    if (name === 'staffetta') return [] // an example in a text
    return [name.split('/', name.startsWith('@') ? 2 : 1).join('/')]
  })
}

const isOurs = (name: string): boolean => name.endsWith('.ts')

/** The row of a file: its folder, or its own name at the root. */
const rowOf = (path: string): string => path.split('/', 1)[0] ?? path

test('there are sources, and imports are seen', () => {
  assert.ok(sources.length > 50)
  assert.deepEqual(
    importsOf('a/b.ts', "import {\n  x,\n} from '../c/d.ts'\nimport 'zod/v4'\nimport type { Y } from './e.ts'"),
    ['c/d.ts', 'zod', 'a/e.ts'],
  )
  assert.deepEqual(importsOf('a.ts', "type X = typeof import('./c.ts').x\nexport { y } from '@x/y'"), ['c.ts', '@x/y'])
})

test('the rows stand from the ground up', () => {
  const above: string[] = []
  for (const [row, others] of MAY_IMPORT) {
    assert.deepEqual(
      others.filter(other => !above.includes(other)),
      [],
      `${row} may import only what stands above it`,
    )
    above.push(row)
  }
})

test('every folder and every file at the root has its row', () => {
  assert.deepEqual(
    sources.map(({ path }) => path).filter(path => !MAY_IMPORT.has(rowOf(path))),
    [],
  )
})

test('a file imports what its row allows', () => {
  const wrong = sources.flatMap(({ path, imports }) =>
    imports
      .filter(isOurs)
      .filter(to => rowOf(to) !== rowOf(path) && !MAY_IMPORT.get(rowOf(path))?.includes(rowOf(to)))
      .map(to => `${path} imports ${to}`),
  )
  assert.deepEqual(wrong, [])
})

test('a library is imported where it belongs', () => {
  const wrong = sources.flatMap(({ path, imports }) =>
    imports
      .filter(name => !isOurs(name) && !name.startsWith('node:'))
      .filter(name => !path.startsWith(LIBRARIES[name] ?? 'nowhere'))
      .map(name => `${path} imports ${name}`),
  )
  assert.deepEqual(wrong, [])
})

test('every dependency of the package has its place', () => {
  const manifest: { dependencies: Record<string, string> } = JSON.parse(
    readFileSync(join(SRC, '../package.json'), 'utf8'),
  )
  assert.deepEqual(Object.keys(manifest.dependencies).sort(), Object.keys(LIBRARIES).sort())
})

test('pure folders have no sockets, clock, chance or disk', () => {
  const wrong = sources
    .filter(({ path }) => PURE.includes(rowOf(path)))
    .flatMap(({ path, code, imports }) => [
      ...imports
        .filter(name => name.startsWith('node:') && !PURE_MODULES.includes(name))
        .map(name => `${path}: ${name}`),
      ...(IMPURE.exec(code) ?? []).map(found => `${path}: ${found}`),
    ])
  assert.deepEqual(wrong, [])
})

test('folders are one level deep and have names of their own', () => {
  const folders = [...new Set(sources.map(({ path }) => dirname(path)))]
  assert.deepEqual(
    folders.filter(folder => folder.includes('/') && !NESTED.includes(folder)),
    [],
  )
  assert.deepEqual(
    folders.filter(folder => folder.split('/').some(name => NAMELESS.includes(name))),
    [],
  )
})

test('an import names the very file: nothing only passes on what others export', () => {
  const statement = /^(?:import|export)\s[^'";]*?\sfrom\s'[^']+';?$/gm
  const barrels = sources.filter(
    ({ path, code }) => path !== 'index.ts' && code.replaceAll(statement, '').trim() === '',
  )
  assert.deepEqual(
    barrels.map(({ path }) => path),
    [],
  )
})

test('files do not import each other in a circle', () => {
  const imports = new Map(sources.map(source => [source.path, source.imports.filter(isOurs)]))
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(' → '))
    if (way.includes(path) || done.has(path)) return
    for (const next of imports.get(path) ?? []) visit(next, [...way, path])
    done.add(path)
  }
  for (const { path } of sources) visit(path, [])
  assert.deepEqual(circles, [])
})
