import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { selfSigned } from '../net/self-signed.ts'
import { importFunctions } from './functions.ts'
import { type ConfigError, formatConfigError, type Loaded, loadConfig } from './load.ts'
import { type Machine, thisMachine } from './machine.ts'
import type { Settings } from './settings.ts'

const FOLDER = mkdtempSync(join(tmpdir(), 'staffetta-config-'))
after(() => rmSync(FOLDER, { recursive: true }))

const MACHINE: Machine = { ...thisMachine(FOLDER), hostname: 'box', cores: 40, ipv6: true }
const DEFINE = `import { defineServer } from ${JSON.stringify(new URL('./define.ts', import.meta.url).href)}\n`

const { cert, key } = selfSigned('mx1.example.org')
write('cert.pem', cert)
write('key.pem', key)
write('other.pem', selfSigned('mx1.example.org').key)
write('password.txt', 'secret word\n')
write('empty.txt', '\n')

function write(name: string, text: string): string {
  writeFileSync(join(FOLDER, name), text)
  return join(FOLDER, name)
}

let files = 0

/** The object literal, as the default export of a file of that kind. */
async function load(kind: 'ts' | 'mjs' | 'json', literal: string): Promise<Loaded> {
  files++
  const before = { ts: `${DEFINE}export default defineServer(\n`, mjs: '\nexport default (\n', json: '\n\n' }[kind]
  return loadConfig(write(`c${files}.${kind}`, `${before}${literal}${kind === 'json' ? '' : ')'}\n`), MACHINE)
}

function settingsOf(loaded: Loaded): Settings {
  if ('ok' in loaded) return loaded.ok
  return assert.fail(loaded.errors.map(formatConfigError).join('\n'))
}

/** As printed, without the folder and the name. */
function lines(loaded: Loaded): string[] {
  const errors: readonly ConfigError[] = 'errors' in loaded ? loaded.errors : assert.fail('it loads')
  return errors.map(error => formatConfigError({ ...error, file: 'c' }))
}

const BAD: readonly (readonly [literal: string, ...messages: string[]])[] = [
  [
    '{}',
    `c  hostname: this machine calls itself "box", which is not a full name in DNS; write the name that others find this server by, for example 'mx1.example.org'`,
  ],
  [
    '{ "hostname": 5 }',
    `c:3:3  hostname: 5 is not a full name in DNS; write the name that others find this server by, for example 'mx1.example.org'`,
  ],
  [
    'H "limits": { "messageSize": "fifty" } }',
    `c:4:15  limits.messageSize: "fifty" is not a size; write a number of bytes or text like '50 MB'`,
  ],
  [
    'H "limits": { "recipients": 99 } }',
    'c:4:15  limits.recipients: 99 is too small; write at least 100 (RFC 5321 §4.5.3.1.8)',
  ],
  [
    'H "limits": { "hops": 10.5 } }',
    'c:4:15  limits.hops: 10.5 is not a whole number; write a number from 100 to 1000',
  ],
  [
    'H "limits": { "idleTimeout": "30 days" } }',
    `c:4:15  limits.idleTimeout: "30 days" is too large; write at most '24 days'`,
  ],
  ['H "limits": { "mesageSize": 1 } }', `c:4:15  limits.mesageSize: is not known here; did you mean 'messageSize'?`],
  ['H "limits": 7 }', `c:4:3  limits: 7 is not an object; write an object like { messageSize: '50 MB' }`],
  [
    'H "zebra": 1, "hostnme": 2 }',
    `c:4:3  zebra: is not known here; the keys are hostname, data, user, threads, relayFrom, cleartextLoginFrom, listeners, tls, dns, limits, queue, routes, timeline, log`,
    `c:4:15  hostnme: is not known here; did you mean 'hostname'?`,
  ],
  ['H "threads": 0 }', 'c:4:3  threads: 0 is too small; write at least 1'],
  ['H "data": "" }', `c:4:3  data: "" is not the name of a folder; write text like './data'`],
  ['H "listeners": {} }', 'c:4:3  listeners: is empty; write for example { smtp: { port: 25 } }'],
  [
    'H "listeners": { "http": { "port": 8025 } } }',
    'c:4:18  listeners.http: is not available in this version yet; leave it out',
  ],
  ['H "listeners": { "smtp": 25 } }', 'c:4:18  listeners.smtp: write an object like { port: 25 } or a list of such'],
  [
    'H "listeners": { "smtp": { "port": 70000 } } }',
    'c:4:28  listeners.smtp.port: 70000 is too large; write at most 65535',
  ],
  [
    'H "listeners": { "smtp": [{ "port": 25 }, { "host": "localhost" }] } }',
    `c:4:45  listeners.smtp[1].host: "localhost" is not an IP address; write an address of this machine, like '127.0.0.1' or '::'`,
  ],
  [
    'H "listeners": { "smtp": { "path": "./x" } } }',
    'c:4:18  listeners.smtp: does not say where to listen; write a port (a path is for lmtp only)',
  ],
  [
    'H "listeners": { "lmtp": { "path": "./x", "port": 24 } } }',
    'c:4:18  listeners.lmtp: does not say where to listen; write either port (and host) or path',
  ],
  [
    'H "listeners": { "smtp": { "port": 25 }, "submission": { "port": 25 } } }',
    'c:4:3  listeners: has 0.0.0.0:25 twice, for smtp and submission; write different ports',
  ],
  [
    'H "listeners": { "smtp": { "port": 25, "proxyFrom": ["x"] } } }',
    `c:4:54  listeners.smtp.proxyFrom[0]: "x" is not an address or network; write text like '10.1.2.0/24', '192.0.2.7' or '2001:db8::/32'`,
  ],
  ['H "relayFrom": "10.0.0.0/8" }', `c:4:3  relayFrom: "10.0.0.0/8" is not a list; write a list like ['10.1.2.0/24']`],
  [
    'H "relayFrom": ["10.1.2.0/33", "::/0"] }',
    `c:4:17  relayFrom[0]: "10.1.2.0/33" is not an address or network; write text like '10.1.2.0/24', '192.0.2.7' or '2001:db8::/32'`,
    `c:4:32  relayFrom[1]: "::/0" is every address there is, which makes an open relay; write the networks that are yours`,
  ],
  [
    'H "tls": { "acme": { "email": "a@example.org" } } }',
    `c:4:3  tls.cert: is missing; write text like 'fullchain.pem'`,
    `c:4:3  tls.key: is missing; write text like 'key.pem'`,
    'c:4:12  tls.acme: is not available in this version yet; leave it out',
  ],
  [
    'H "tls": { "cert": "no.pem", "key": "cert.pem" } }',
    `c:4:12  tls.cert: the file "no.pem" does not exist`,
    `c:4:30  tls.key: the file "cert.pem" holds no private key in PEM form without a passphrase; it must have a '-----BEGIN PRIVATE KEY-----'`,
  ],
  [
    'H "tls": { "cert": "cert.pem", "key": "other.pem" } }',
    'c:4:32  tls.key: does not belong to the certificate in tls.cert',
  ],
  [
    'H "tls": { "cert": "key.pem", "key": ".", "minVersion": "TLSv1" } }',
    `c:4:12  tls.cert: the file "key.pem" holds no certificate in PEM form; it must have a '-----BEGIN CERTIFICATE-----'`,
    `c:4:31  tls.key: the file "." is not a file`,
    `c:4:43  tls.minVersion: "TLSv1" is not one of the words known here; write 'TLSv1.2' or 'TLSv1.3'`,
  ],
  [
    'H "dns": { "servers": ["one.one"] } }',
    `c:4:24  dns.servers[0]: "one.one" is not the address of a resolver; write text like '127.0.0.1', '127.0.0.1:53' or '[::1]:53'`,
  ],
  [
    'H "queue": { "retryFirst": "5 hours", "hold": true } }',
    'c:4:14  queue.retryFirst: is longer than queue.retryLongest; write a shorter time',
  ],
  [
    'H "queue": { "lifetime": "1 min" } }',
    'c:4:14  queue.lifetime: is over before the first retry; write a longer time than queue.retryFirst',
  ],
  ['H "queue": { "hold": "yes" } }', 'c:4:14  queue.hold: "yes" is not true or false; write true or false'],
  [
    'H "log": { "level": "loud" } }',
    `c:4:12  log.level: "loud" is not one of the words known here; write 'debug' or 'info' or 'warn' or 'error' or 'silent'`,
  ],
  ['H "routes": [] }', `c:4:3  routes: is empty; write for example [{ to: '*', mx: true }]`],
  [
    'H "routes": [{ "to": "*" }] }',
    'c:4:14  routes[0]: says not where to; write exactly one of mailbox, mx, relay, lmtp, refuse, deliver',
  ],
  [
    'H "routes": [{ "to": "*", "mx": true, "refuse": "No" }] }',
    'c:4:14  routes[0]: goes to mx and refuse at once; write exactly one of them',
  ],
  [
    'H "routes": [{ "mx": false }] }',
    `c:4:14  routes[0].to: is missing; write '*', 'example.org', '*.example.org' or 'user@example.org'`,
    'c:4:16  routes[0].mx: write true or an object like { port: 25 }',
  ],
  [
    'H "routes": [{ "to": ["*", "a b@x"], "mx": { "tls": "implicit" } }] }',
    `c:4:28  routes[0].to[1]: "a b@x" is not a recipient pattern; write '*', 'example.org', '*.example.org' or 'user@example.org'`,
    `c:4:46  routes[0].mx.tls: "implicit" is not one of the words known here; write 'none' or 'opportunistic' or 'required'`,
  ],
  ['H "routes": [{ "to": [], "mx": true }] }', `c:4:16  routes[0].to: is empty; write for example '*'`],
  [
    'H "routes": [{ "to": "*", "mailbox": "anna" }] }',
    `c:4:27  routes[0].mailbox: "anna" is not a mailbox; write true or an account like 'anna@example.org'`,
  ],
  [
    'H "routes": [{ "to": "*", "relay": {} }] }',
    `c:4:27  routes[0].relay.host: is missing; write text like 'mail.example.org' or '192.0.2.1'`,
  ],
  [
    'H "routes": [{ "to": "*", "relay": { "host": "a.example", "tls": "none", "auth": { "user": "a", "pass": "b" } } }] }',
    "c:4:59  routes[0].relay.tls: would let the password be read on its way; write 'required', or 'implicit' on port 465",
  ],
  [
    'H "routes": [{ "to": "*", "relay": { "host": "a.example", "auth": { "user": "a", "pass": 12345 } } }] }',
    'c:4:82  routes[0].relay.auth.pass: is not a password; write it as text',
  ],
  [
    'H "routes": [{ "to": "*", "relay": { "host": "a.example", "auth": { "user": "a" } } }] }',
    'c:4:59  routes[0].relay.auth: needs either pass or passFile; write exactly one of them',
  ],
  [
    'H "routes": [{ "to": "*", "relay": { "host": "a.example", "auth": { "user": "a", "passFile": "empty.txt" } } }] }',
    'c:4:82  routes[0].relay.auth.passFile: the file "empty.txt" is empty; put the password into it',
  ],
  [
    'H "routes": [{ "to": "*", "lmtp": { "host": "a.example" } }] }',
    'c:4:27  routes[0].lmtp: needs either host and port or path; write one of them',
  ],
  [
    'H "routes": [{ "to": "*", "refuse": { "text": "No", "status": "4.7.1" } }] }',
    'c:4:27  routes[0].refuse: has code 550 with status 4.7.1; both must begin with 4 or both with 5',
  ],
  [
    'H "routes": [{ "to": "*", "refuse": "Non è" }] }',
    'c:4:27  routes[0].refuse: has a text that no reply can carry; write 1 to 400 characters of printable ASCII',
  ],
  [
    'H "routes": [{ "to": "*", "deliver": "./deliver.mjs" }] }',
    `c:4:27  routes[0].deliver: "./deliver.mjs" is not a function; write async message => ({ is: 'delivered' }) in a .ts or .mjs file`,
  ],
  [
    'H "routes": [{ "to": "*", "mx": true, "rate": "fast" }] }',
    `c:4:39  routes[0].rate: "fast" is not a rate; write a number per second or text like '20 / min'`,
  ],
]

for (const kind of ['ts', 'mjs', 'json'] as const) {
  test(`what is wrong in a .${kind} file is named with its place`, async () => {
    for (const [literal, ...messages] of BAD) {
      const named = literal.replace(/^H/, '{ "hostname": "mx1.example.org",\n ')
      assert.deepEqual(lines(await load(kind, named)), messages, literal)
    }
  })
}

const GOOD = `{
  "hostname": "MX1.Example.org", "data": "./mail", "user": "staffetta", "threads": 3,
  "listeners": {
    "smtp": { "port": 25 },
    "submission": [{ "port": 587, "host": "127.0.0.1", "proxyFrom": ["10.0.0.1"] }, { "port": 1587, "host": ["10.0.0.2", "::1"] }],
    "lmtp": [{ "path": "./lmtp.sock" }, { "port": 24 }],
    "imaps": { "port": 993, "host": "::1" },
    "pop3": { "port": 110, "host": "::1" }
  },
  "tls": { "cert": "cert.pem", "key": "./key.pem", "minVersion": "TLSv1.3" },
  "dns": { "servers": ["127.0.0.1", "[::1]:53"] },
  "relayFrom": ["10.1.2.0/24", "192.0.2.7", "2001:db8::1"], "cleartextLoginFrom": ["0.0.0.0/0"],
  "limits": { "messageSize": 70000, "idleTimeout": "90 s" },
  "queue": { "lifetime": "2 days", "delayNotice": 0 },
  "timeline": { "maxAge": "1 week", "maxSize": "2 GB" },
  "log": { "level": "debug", "file": "log.txt" },
  "routes": [
    { "to": "Anna@Example.org", "mailbox": true, "lifetime": "1 hour", "concurrency": 2, "rate": "30 / min" },
    { "to": ["*.example.org", "bücher.example"], "mailbox": "Bruno@example.org" },
    { "to": "a.example", "mx": { "port": 2525 } },
    { "to": "b.example", "relay": { "host": "smtp.b.example", "auth": { "user": "b", "passFile": "password.txt" } } },
    { "to": "c.example", "relay": { "host": "127.0.0.1", "port": 465 } },
    { "to": "d.example", "lmtp": { "host": "127.0.0.1", "port": 24 } },
    { "to": "e.example", "lmtp": { "path": "/run/lmtp.sock" } },
    { "to": "f.example", "refuse": "We take no mail" },
    { "to": "g.example", "refuse": { "code": 450, "status": "4.2.1", "text": "Later" } },
    { "to": "*", "mx": true }
  ]
}`

const FREE = { lifetime: undefined, concurrency: undefined, rate: undefined }

for (const kind of ['ts', 'mjs', 'json'] as const) {
  test(`a .${kind} file becomes settings`, async () => {
    const settings = settingsOf(await load(kind, GOOD))
    assert.deepEqual(
      { ...settings, limits: undefined, queue: undefined },
      {
        hostname: 'mx1.example.org',
        data: join(FOLDER, 'mail'),
        user: 'staffetta',
        threads: 3,
        listeners: [
          { kind: 'smtp', on: 'tcp', host: '0.0.0.0', port: 25, proxyFrom: [] },
          { kind: 'smtp', on: 'tcp', host: '::', port: 25, proxyFrom: [] },
          { kind: 'submission', on: 'tcp', host: '127.0.0.1', port: 587, proxyFrom: ['10.0.0.1/32'] },
          { kind: 'submission', on: 'tcp', host: '10.0.0.2', port: 1587, proxyFrom: [] },
          { kind: 'submission', on: 'tcp', host: '::1', port: 1587, proxyFrom: [] },
          { kind: 'lmtp', on: 'unix', path: join(FOLDER, 'lmtp.sock'), proxyFrom: [] },
          { kind: 'lmtp', on: 'tcp', host: '127.0.0.1', port: 24, proxyFrom: [] },
          { kind: 'imaps', on: 'tcp', host: '::1', port: 993, proxyFrom: [] },
          { kind: 'pop3', on: 'tcp', host: '::1', port: 110, proxyFrom: [] },
        ],
        tls: { cert: join(FOLDER, 'cert.pem'), key: join(FOLDER, 'key.pem'), minVersion: 'TLSv1.3' },
        dns: { servers: ['127.0.0.1', '[::1]:53'] },
        relayFrom: ['10.1.2.0/24', '192.0.2.7/32', '2001:db8::1/128'],
        cleartextLoginFrom: ['0.0.0.0/0'],
        limits: undefined,
        queue: undefined,
        routes: [
          {
            to: ['anna@example.org'],
            route: { via: 'mailbox', account: undefined, lifetime: 3_600_000, concurrency: 2, rate: 0.5 },
          },
          { to: ['*.example.org', 'bücher.example'], route: { ...FREE, via: 'mailbox', account: 'bruno@example.org' } },
          { to: ['a.example'], route: { ...FREE, via: 'mx', tls: 'opportunistic', port: 2525 } },
          {
            to: ['b.example'],
            route: {
              ...FREE,
              via: 'relay',
              host: 'smtp.b.example',
              port: 587,
              tls: 'required',
              auth: { user: 'b', pass: 'secret word' },
            },
          },
          {
            to: ['c.example'],
            route: { ...FREE, via: 'relay', host: '127.0.0.1', port: 465, tls: 'implicit', auth: undefined },
          },
          { to: ['d.example'], route: { ...FREE, via: 'lmtp', to: { host: '127.0.0.1', port: 24 } } },
          { to: ['e.example'], route: { ...FREE, via: 'lmtp', to: { path: '/run/lmtp.sock' } } },
          { to: ['f.example'], route: { ...FREE, via: 'refuse', code: 550, status: '5.7.1', text: 'We take no mail' } },
          { to: ['g.example'], route: { ...FREE, via: 'refuse', code: 450, status: '4.2.1', text: 'Later' } },
          { to: ['*'], route: { ...FREE, via: 'mx', tls: 'opportunistic', port: 25 } },
        ],
        timeline: { maxAge: 604_800_000, maxSize: 2_147_483_648 },
        log: { level: 'debug', file: join(FOLDER, 'log.txt') },
        functionsFrom: undefined,
        dev: false,
      },
    )
    assert.deepEqual(
      [settings.limits.messageSize, settings.limits.idleTimeout, settings.limits.hops],
      [70_000, 90_000, 100],
    )
    assert.deepEqual(
      [settings.queue.lifetime, settings.queue.delayNotice, settings.queue.memory],
      [172_800_000, 0, 67_108_864],
    )
    assert.deepEqual(structuredClone(settings), settings)
  })
}

test('a name is enough', async () => {
  const settings = settingsOf(await load('json', '{ "hostname": "mx1.example.org" }'))
  assert.deepEqual(settings.limits, {
    messageSize: 52_428_800,
    recipients: 1000,
    connections: 10_000,
    connectionsPerSource: 100,
    idleTimeout: 300_000,
    mailboxIdleTimeout: 1_800_000,
    messageTimeout: 900_000,
    sessionTimeout: 3_600_000,
    messagesPerSession: 10_000,
    errors: 20,
    idleCommands: 100,
    authFailures: 10,
    hops: 100,
    receiveMemory: 134_217_728,
  })
  assert.deepEqual(settings.queue, {
    lifetime: 432_000_000,
    delayNotice: 14_400_000,
    retryFirst: 300_000,
    retryLongest: 14_400_000,
    hold: false,
    memory: 67_108_864,
    concurrency: 20,
  })
  assert.deepEqual(
    settings.listeners.map(one => one.on === 'tcp' && `${one.kind} ${one.host} ${one.port}`),
    [
      'smtp 0.0.0.0 25',
      'smtp :: 25',
      'submission 0.0.0.0 587',
      'submission :: 587',
      'submissions 0.0.0.0 465',
      'submissions :: 465',
      'imap 0.0.0.0 143',
      'imap :: 143',
      'imaps 0.0.0.0 993',
      'imaps :: 993',
      'pop3s 0.0.0.0 995',
      'pop3s :: 995',
    ],
  )
  assert.deepEqual(settings.routes, [{ to: ['*'], route: { ...FREE, via: 'mx', tls: 'opportunistic', port: 25 } }])
  assert.deepEqual(
    [settings.threads, settings.tls, settings.user, settings.data],
    [15, undefined, undefined, join(FOLDER, 'data')],
  )
  assert.deepEqual([settings.relayFrom, settings.cleartextLoginFrom, settings.dns.servers], [[], [], []])
})

test('what the machine is decides some defaults', async () => {
  const file = write('machine.json', '{}')
  const settings = settingsOf(
    await loadConfig(file, { ...MACHINE, hostname: 'Host.example.org', cores: 0, ipv6: false }),
  )
  assert.equal(settings.hostname, 'host.example.org')
  assert.equal(settings.threads, 1)
  assert.equal(settings.listeners.length, 6)
  for (const hostname of ['localhost.localdomain', 'localhost', '192.168.1.5', 'a..example']) {
    assert.ok('errors' in (await loadConfig(file, { ...MACHINE, hostname })), hostname)
  }
})

test('functions stay in their file', async () => {
  const routes = `[{ to: 'a.example', mx: true }, { to: '*', deliver: async () => ({ is: 'delivered' }) }]`
  const settings = settingsOf(await load('ts', `{ hostname: 'mx1.example.org', routes: ${routes} }`))
  assert.deepEqual(settings.routes[1], { to: ['*'], route: { ...FREE, via: 'function', index: 1 } })
  assert.equal(settings.functionsFrom, join(FOLDER, `c${files}.ts`))
  assert.deepEqual(structuredClone(settings), settings)
  const functions = await importFunctions(settings.functionsFrom ?? '')
  assert.deepEqual([...functions.keys()], [1])
  const message = { id: '1', returnPath: '', recipients: [], size: 0, content: async function* () {} }
  assert.deepEqual(await functions.get(1)?.(message), { is: 'delivered' })
})

test('of very many errors the first hundred are told', async () => {
  const keys = Array.from({ length: 300 }, (_, i) => `"k${i}": 1`).join()
  const found = lines(await load('json', `{ "hostname": "mx1.example.org", "limits": { ${keys} } }`))
  assert.equal(found.length, 101)
  assert.equal(found.at(-1), 'c  there are 200 more errors')
})

test('the example of docs/configuration.md works', async () => {
  const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
  const example = /^```ts\n([^]*?)^```$/m.exec(page)?.[1] ?? ''
  write('fullchain.pem', cert)
  const code = example.replace("'staffetta'", JSON.stringify(new URL('./define.ts', import.meta.url).href))
  assert.equal(settingsOf(await loadConfig(write('example.ts', code), MACHINE)).routes.length, 3)
})

test('a file is read anew each time', async () => {
  const file = write('reload.mjs', `export default { hostname: 'a.example.org' }`)
  assert.equal(settingsOf(await loadConfig(file, MACHINE)).hostname, 'a.example.org')
  write('reload.mjs', `export default { hostname: 'b.example.org' }`)
  assert.equal(settingsOf(await loadConfig(file, MACHINE)).hostname, 'b.example.org')
})

const BROKEN: readonly (readonly [name: string, text: string | undefined, message: RegExp])[] = [
  ['none.ts', undefined, /^c {2}the file does not exist$/],
  ['config.yaml', 'a: 1', /^c {2}is no configuration; its name must end in \.ts, \.mts, \.mjs or \.json$/],
  ['comma.json', '\ufeff{\n  "limits": {},\n}', /^c:3:1 {2}found "}", expected a key in double quotes/],
  ['list.json', '[]', /^c {2}a list is not an object; write an object like { hostname: 'mx1\.example\.org' }$/],
  ['syntax.ts', 'export default {\n  a: 1,\n  b: = 2,\n}', /^c:3:6 {2}is not valid: Expression expected$/],
  ['syntax.mjs', 'export default {\n  a: 1,\n  b: = 2,\n}', /^c:3:6 {2}is not valid: Unexpected token '='$/],
  ['enum.ts', '\nenum X { A }\nexport default {}', /^c:2:1 {2}is not valid: TypeScript enum is not supported/],
  [
    'missing.ts',
    "import x from './nowhere.ts'\nexport default x",
    /^c {2}its code failed: Cannot find module .*nowhere\.ts/,
  ],
  [
    'named.mjs',
    "import { nope } from 'node:fs'\nexport default nope",
    /^c:1:10 {2}is not valid: .* does not provide an export/,
  ],
  [
    'throws.ts',
    'const a: { b?: { c: 1 } } = {}\nexport default { x: a.b.c }',
    /^c:2:25 {2}its code failed: Cannot read properties of undefined/,
  ],
  ['string.mjs', "throw 'no'", /^c {2}its code threw "no"$/],
  ['nothing.ts', 'export const config = {}', /^c {2}has no default export; write export default defineServer/],
  [
    'function.mjs',
    'export default () => ({})',
    /^c {2}exports a function by default; write export default defineServer/,
  ],
]

test('a file that is no configuration at all', async () => {
  for (const [name, text, message] of BROKEN) {
    const file = text === undefined ? join(FOLDER, name) : write(name, text)
    const found = lines(await loadConfig(file, MACHINE))
    assert.equal(found.length, 1, name)
    assert.match(found[0] ?? '', message, name)
  }
})

test('in a package of type commonjs, a .ts file is told how to become a module; .mts is one', async () => {
  mkdirSync(join(FOLDER, 'commonjs'))
  write('commonjs/package.json', '{ "type": "commonjs" }')
  const text = `${DEFINE}export default defineServer({ hostname: 'a.example.org' })\n`
  assert.deepEqual(lines(await loadConfig(write('commonjs/x.ts', text), MACHINE)), [
    'c  is not read as a module, since the package.json of its folder has "type": "commonjs"; name the file x.mts, or write "type": "module" there',
  ])
  assert.equal(settingsOf(await loadConfig(write('commonjs/x.mts', text), MACHINE)).hostname, 'a.example.org')
})

test('an error is printed with the name that the caller used', () => {
  const text = '"fifty" is not a size; write a number of bytes or text like \'50 MB\''
  const error = { file: 'staffetta.config.ts', place: { line: 12, column: 5 }, key: 'limits.messageSize', text }
  assert.equal(formatConfigError(error), `staffetta.config.ts:12:5  limits.messageSize: ${text}`)
})
