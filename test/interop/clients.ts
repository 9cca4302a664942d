/** Mail clients that people use, each with the same face: hand this message in, there, in this way. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import type { Message } from './corpus.ts'
import { succeed } from './program.ts'

export interface Door {
  readonly host: string
  readonly port: number
  readonly security: 'plain' | 'starttls' | 'tls'
  readonly login: { readonly user: string; readonly password: string } | undefined
}

export interface Client {
  readonly name: string
  /** The programs it needs. */
  readonly programs: readonly string[]
  /** Whether it speaks SMTPUTF8. */
  readonly utf8: boolean
  /** Rejects with what the client said when the message was not taken. */
  readonly send: (door: Door, message: Message) => Promise<void>
}

export const clients: readonly Client[] = [
  { name: 'swaks', programs: ['swaks'], utf8: false, send: swaks },
  { name: 'curl', programs: ['curl'], utf8: true, send: curl },
  { name: 'msmtp', programs: ['msmtp'], utf8: false, send: msmtp },
  { name: 'Python smtplib', programs: ['python3'], utf8: true, send: python('bytes') },
  { name: 'nodemailer', programs: [], utf8: true, send: nodemailer },
]

/** With -ndf swaks sends a file as it is: its own treatment of a message adds an empty line at the end. So the dots are ours. */
async function swaks({ host, port, security, login }: Door, { from, to, bytes }: Message): Promise<void> {
  await withFile(wireForm(bytes), async file => {
    const to25 = ['--server', host, '--port', `${port}`, '--helo', 'swaks.client.test', '--from', from, '--to', to]
    const secure = { plain: [], starttls: ['--tls'], tls: ['--tls-on-connect'] }[security]
    const auth = login === undefined ? [] : ['--auth', 'PLAIN', '-au', login.user, '-ap', login.password]
    const args = [...to25, ...secure, ...auth, '-ndf', '--data', `@${file}`, '--suppress-data', '-n']
    await succeed({ name: 'swaks', args })
  })
}

/** RFC 5321 §4.5.2: dots doubled, and the end without its CRLF. */
function wireForm(bytes: Buffer): Buffer {
  const stuffed = bytes.toString('latin1').replaceAll('\r\n.', '\r\n..')
  return Buffer.from(`${stuffed}.`, 'latin1')
}

async function curl({ host, port, security, login }: Door, { from, to, bytes }: Message): Promise<void> {
  await withFile(bytes, async file => {
    const url = `${security === 'tls' ? 'smtps' : 'smtp'}://${host}:${port}/curl.client.test`
    const secure = { plain: [], starttls: ['--ssl-reqd', '-k'], tls: ['-k'] }[security]
    const auth = login === undefined ? [] : ['--user', `${login.user}:${login.password}`]
    const envelope = ['--mail-from', from, '--mail-rcpt', to, '--upload-file', file]
    await succeed({ name: 'curl', args: ['-sS', '--max-time', '50', ...secure, ...auth, ...envelope, url] })
  })
}

/** It reads what a Unix program writes: lines with LF. */
async function msmtp({ host, port, security, login }: Door, { from, to, bytes }: Message): Promise<void> {
  const secure = {
    plain: ['--tls=off'],
    starttls: ['--tls=on', '--tls-starttls=on', '--tls-certcheck=off'],
    tls: ['--tls=on', '--tls-starttls=off', '--tls-certcheck=off'],
  }[security]
  const auth =
    login === undefined
      ? ['--auth=off']
      : ['--auth=plain', `--user=${login.user}`, `--passwordeval=printf %s '${login.password}'`]
  const there = [`--host=${host}`, `--port=${port}`, '--domain=msmtp.client.test', `--from=${from}`]
  const input = Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')
  await succeed({ name: 'msmtp', args: ['--file=/dev/null', ...there, ...secure, ...auth, '--', to], input })
}

/** `bytes`: as they are. `object`: read and written anew by Python's email package. */
export function python(form: 'bytes' | 'object'): Client['send'] {
  return async ({ host, port, security, login }, { from, to, utf8, bytes }) => {
    const auth = [login?.user ?? '', login?.password ?? '']
    const there = [host, `${port}`, security, ...auth, from, to, utf8 ? 'utf8' : 'ascii', form]
    await succeed({ name: 'python3', args: [join(import.meta.dirname, 'client.py'), ...there], input: bytes })
  }
}

async function nodemailer(door: Door, { from, to, bytes }: Message): Promise<void> {
  const transport = nodemailerTransport(door)
  try {
    const info = await transport.sendMail({ envelope: { from, to: [to] }, raw: bytes })
    assert.deepEqual(info.rejected, [])
  } finally {
    transport.close()
  }
}

export function nodemailerTransport({ host, port, security, login }: Door) {
  return createTransport({
    host,
    port,
    name: 'nodemailer.client.test',
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'plain',
    tls: { rejectUnauthorized: false },
    ...(login === undefined ? {} : { auth: { user: login.user, pass: login.password } }),
  })
}

async function withFile(bytes: Buffer, use: (file: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'client-'))
  try {
    const file = join(folder, 'message.eml')
    writeFileSync(file, bytes)
    await use(file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
