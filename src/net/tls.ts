import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import { selfSigned } from './self-signed.ts'

/** What TLS servers need; plain data, so that the main thread can read it once and hand it to all threads. */
export interface TlsMaterial {
  /** PEM: the certificate and its chain. */
  readonly cert: string
  /** PEM */
  readonly key: string
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** 48 bytes, the same in every thread, or a session resumed in another thread would need a full handshake (RFC 5077 §4). */
  readonly ticketKeys: Uint8Array
}

export type LoadedContext =
  | { readonly is: 'loaded'; readonly context: SecureContext }
  | { readonly is: 'failed'; readonly reason: string }

/** New handshakes use the new context; sessions that stand keep their own, which is all that a reload takes. */
export function createServerContext(material: TlsMaterial): LoadedContext {
  try {
    const context = createSecureContext({
      cert: material.cert,
      key: material.key,
      // RFC 8996: neither TLS 1.0 nor 1.1; RFC 9325 §4.1, §4.2: forward secrecy and authenticated encryption. TLS 1.3 has its own list.
      minVersion: material.minVersion,
      ciphers: CIPHERS,
      honorCipherOrder: true,
      sessionIdContext: 'staffetta',
      ticketKeys: Buffer.from(material.ticketKeys),
    })
    return { is: 'loaded', context }
  } catch (error) {
    return { is: 'failed', reason: reasonOf(error) }
  }
}

/** CBC suites come last, for the old clients that mail still has (RFC 9325 §4.2). */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE+AESGCM',
  'ECDHE+CHACHA20',
  'ECDHE+AES',
  '!aNULL',
  '!PSK',
].join(':')

export type LoadedMaterial =
  | { readonly is: 'loaded'; readonly material: TlsMaterial }
  | { readonly is: 'failed'; readonly reason: string }

/** Reads the files and tries them: a certificate without its key fails here and not at the first handshake. */
export async function loadTls(
  files: { readonly cert: string; readonly key: string; readonly minVersion: TlsMaterial['minVersion'] },
  ticketKeys: Uint8Array,
): Promise<LoadedMaterial> {
  try {
    const [cert, key] = await Promise.all([readFile(files.cert, 'utf8'), readFile(files.key, 'utf8')])
    const material = { cert, key, minVersion: files.minVersion, ticketKeys }
    const tried = createServerContext(material)
    return tried.is === 'loaded'
      ? { is: 'loaded', material }
      : { is: 'failed', reason: `${files.cert}: ${tried.reason}` }
  } catch (error) {
    return { is: 'failed', reason: reasonOf(error) }
  }
}

/** 48 random bytes, for as long as the process lives. */
export function createTicketKeys(): Uint8Array {
  return randomBytes(48)
}

/**
 * The paths of a self-signed certificate in `data`/tls, which is made when it isn't there: enough for opportunistic TLS (RFC 7435),
 * where nobody checks it, and to begin with. Disk errors are thrown: without a data folder nothing works.
 */
export async function ensureSelfSigned(
  data: string,
  hostname: string,
  others: readonly string[] = [],
): Promise<{ cert: string; key: string }> {
  const folder = join(data, 'tls')
  const paths = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const found = await Promise.all([readFile(paths.cert), readFile(paths.key)]).catch(() => undefined)
  if (found !== undefined) return paths
  const made = selfSigned(hostname, others)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await replace(paths.key, made.key, 0o600)
  await replace(paths.cert, made.cert, 0o644)
  return paths
}

/** A crash leaves no half a file; and what stands there, perhaps a link that another user made, is not written through. */
async function replace(path: string, text: string, mode: number): Promise<void> {
  const fresh = `${path}.new`
  await rm(fresh, { force: true })
  await writeFile(fresh, text, { mode, flag: 'wx', flush: true })
  await rename(fresh, path)
}

/** Contexts of outgoing connections, by their roots: making one takes about a millisecond. Configuration has but a few. */
const clientContexts = new Map<string, SecureContext>()

const CLIENT_CONTEXTS = 100

/** `ca`: trusted roots in PEM; undefined: those of Node. Bad PEM is thrown. */
export function clientContext(ca: string | undefined): SecureContext {
  const known = clientContexts.get(ca ?? '')
  if (known !== undefined) return known
  const context = createSecureContext({ minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) })
  if (clientContexts.size >= CLIENT_CONTEXTS) clientContexts.clear()
  clientContexts.set(ca ?? '', context)
  return context
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
