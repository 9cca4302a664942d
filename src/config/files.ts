/** The values of a configuration that name files: paths become absolute, and what must be there is read and looked at. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { Machine } from './machine.ts'
import { leaf, type Parsed } from './values.ts'

/** A path for writing, or that a program makes: only made absolute. */
export function path(machine: Machine, what: string, write: string) {
  return leaf<string, string>({ type: 'path', is: what, write }, input =>
    isPath(input) ? { ok: machine.absolute(input) } : undefined,
  )
}

/** A secret alone in a file; the line end after it is not part of it. */
export function secretFile(machine: Machine) {
  return file(machine, "text like 'password.txt'", (_path, content): Parsed<string> => {
    const secret = content.replace(/\r?\n$/, '')
    return secret === '' ? { wrong: 'is empty; put the password into it' } : { ok: secret }
  })
}

export interface CertificateFile {
  readonly path: string
  readonly certificate: X509Certificate
}

export function certificateFile(machine: Machine) {
  return file(machine, "text like 'fullchain.pem'", (path, content): Parsed<CertificateFile> => {
    try {
      return { ok: { path, certificate: new X509Certificate(content) } }
    } catch {
      return { wrong: "holds no certificate in PEM form; it must have a '-----BEGIN CERTIFICATE-----'" }
    }
  })
}

export interface KeyFile {
  readonly path: string
  readonly key: KeyObject
}

export function keyFile(machine: Machine) {
  return file(machine, "text like 'key.pem'", (path, content): Parsed<KeyFile> => {
    try {
      return { ok: { path, key: createPrivateKey(content) } }
    } catch {
      return {
        wrong: "holds no private key in PEM form without a passphrase; it must have a '-----BEGIN PRIVATE KEY-----'",
      }
    }
  })
}

function file<T>(machine: Machine, write: string, parse: (path: string, content: string) => Parsed<T>) {
  return leaf<string, T>({ type: 'file', is: 'the name of a file', write }, input => {
    if (!isPath(input)) return undefined
    const path = machine.absolute(input)
    const content = machine.read(path)
    const parsed = 'wrong' in content ? content : parse(path, content.ok)
    return 'wrong' in parsed ? { wrong: `the file ${JSON.stringify(input)} ${parsed.wrong}` } : parsed
  })
}

function isPath(input: unknown): input is string {
  return typeof input === 'string' && input !== '' && input.length <= 4096 && !input.includes('\0')
}
