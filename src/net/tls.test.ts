import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { selfSigned } from './self-signed.ts'
import { clientContext, createTicketKeys, ensureSelfSigned, loadTls } from './tls.ts'

test('a self-signed certificate is made once, is for the name, and its key is private', async t => {
  const data = await mkdtemp(join(tmpdir(), 'staffetta-'))
  t.after(() => rm(data, { recursive: true }))
  const paths = await ensureSelfSigned(data, 'mx1.example.org')
  const cert = await readFile(paths.cert, 'utf8')
  const x509 = new X509Certificate(cert)
  assert.equal(x509.checkHost('mx1.example.org'), 'mx1.example.org')
  assert.ok(x509.verify(x509.publicKey))
  assert.equal(x509.ca, false)
  assert.ok(x509.validToDate.getTime() > Date.now() + 9 * 365 * 24 * 60 * 60 * 1000)
  assert.equal((await stat(paths.key)).mode & 0o777, 0o600)
  assert.deepEqual(await ensureSelfSigned(data, 'mx1.example.org'), paths)
  assert.equal(await readFile(paths.cert, 'utf8'), cert)
  const loaded = await loadTls({ ...paths, minVersion: 'TLSv1.2' }, createTicketKeys())
  assert.equal(loaded.is, 'loaded')
})

test('a certificate for other names and addresses, too', () => {
  const x509 = new X509Certificate(selfSigned('mx1.example.org', ['localhost', '127.0.0.1']).cert)
  assert.equal(x509.subjectAltName, 'DNS:mx1.example.org, DNS:localhost, IP Address:127.0.0.1')
})

test('a link that waits where the certificate is written is not followed', async t => {
  const data = await mkdtemp(join(tmpdir(), 'staffetta-'))
  t.after(() => rm(data, { recursive: true }))
  const victim = join(data, 'victim')
  await writeFile(victim, 'mine')
  await mkdir(join(data, 'tls'))
  await symlink(victim, join(data, 'tls', 'cert.pem.new'))
  await ensureSelfSigned(data, 'mx1.example.org')
  assert.equal(await readFile(victim, 'utf8'), 'mine')
})

test('a name longer than a common name', () => {
  const name = `${'a'.repeat(60)}.${'b'.repeat(60)}.example.org`
  const x509 = new X509Certificate(selfSigned(name).cert)
  assert.equal(x509.checkHost(name), name)
})

test('what cannot be loaded is a value with a reason', async t => {
  const data = await mkdtemp(join(tmpdir(), 'staffetta-'))
  t.after(() => rm(data, { recursive: true }))
  const cert = join(data, 'cert.pem')
  const key = join(data, 'key.pem')
  const missing = await loadTls({ cert, key, minVersion: 'TLSv1.2' }, createTicketKeys())
  assert.match(missing.is === 'failed' ? missing.reason : '', /ENOENT/)
  await writeFile(cert, selfSigned('a.example').cert)
  await writeFile(key, selfSigned('a.example').key)
  const mixed = await loadTls({ cert, key, minVersion: 'TLSv1.2' }, createTicketKeys())
  assert.match(mixed.is === 'failed' ? mixed.reason : '', /key values mismatch/i)
  await writeFile(cert, 'not PEM')
  assert.equal((await loadTls({ cert, key, minVersion: 'TLSv1.2' }, createTicketKeys())).is, 'failed')
})

test('client contexts are made once for the same roots', () => {
  assert.equal(clientContext(undefined), clientContext(undefined))
})
