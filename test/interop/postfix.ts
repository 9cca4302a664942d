/**
 * A private Postfix: Debian's programs, with configuration, queue, log and mailboxes in a temporary folder and its port on one address.
 * Nothing of the machine's own Postfix is read or written.
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { call, freePort, greets, makeCertificate, type Program, run, succeed, until } from './program.ts'

export interface Postfix {
  readonly host: string
  readonly port: number
  /** A PEM file: its self-signed certificate, for the loopback address. */
  readonly certificate: string
  readonly log: () => string
  /** The messages in a mailbox, oldest first, with LF turned into CRLF. */
  readonly mail: (address: string) => Buffer[]
  /** `postqueue -j`: one object per message that waits. */
  readonly queue: () => Promise<unknown[]>
  /** `postqueue -f` */
  readonly flush: () => Promise<void>
  readonly stop: () => Promise<void>
}

export interface PostfixOptions {
  readonly hostname: string
  /** Mailboxes; everybody else in these domains is refused with 550 5.1.1. */
  readonly mailboxes: readonly string[]
  /** Domain → next hop as Postfix writes it: 'relay:[127.0.0.1]:2525'. */
  readonly transports?: Readonly<Record<string, string>>
  /** The TLS it demands where it sends; default 'encrypt': never without. */
  readonly outgoingTls?: 'encrypt' | 'may' | 'none'
  /** Further lines of main.cf. */
  readonly parameters?: Readonly<Record<string, string>>
  /** With an address of its own there: port 25. */
  readonly namespace?: string
  readonly address?: string
}

export async function startPostfix(options: PostfixOptions): Promise<Postfix> {
  const folder = mkdtempSync(join(tmpdir(), 'postfix-'))
  chmodSync(folder, 0o755)
  const host = options.address ?? '127.0.0.1'
  const port = options.namespace === undefined ? await freePort() : 25
  const [config, mail] = [join(folder, 'etc'), join(folder, 'mail')]
  const owner = await ids('postfix')
  for (const name of ['etc', 'spool', 'data', 'mail']) mkdirSync(join(folder, name))
  for (const name of ['data', 'mail']) chownSync(join(folder, name), owner.user, owner.group)
  const tls = await makeCertificate(folder, options.hostname)
  writeFileSync(join(config, 'main.cf'), mainCf(folder, host, owner, tls, options))
  writeFileSync(join(config, 'master.cf'), masterCf(host, port))
  const { namespace } = options
  const postqueue = (flag: string) => succeed({ name: 'postqueue', args: ['-c', config, flag], namespace })
  const log = (): string => (existsSync(join(folder, 'maillog')) ? readFileSync(join(folder, 'maillog'), 'utf8') : '')
  const master = run({ name: 'postfix', args: ['-c', config, 'start-fg'], namespace })
  await greets(withLog(master, log), { host, port, namespace })
  return {
    host,
    port,
    certificate: tls.cert,
    log,
    mail: maildirs(mail, options.mailboxes),
    async queue() {
      const lines = (await postqueue('-j')).toString().split('\n')
      return lines.filter(line => line !== '').map((line): unknown => JSON.parse(line))
    },
    async flush() {
      await postqueue('-f')
    },
    async stop() {
      await call({ name: 'postfix', args: ['-c', config, 'abort'], namespace })
      await master.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function withLog(program: Program, log: () => string): Program {
  return { ...program, output: () => program.output() + log() }
}

export async function ids(user: string): Promise<{ user: number; group: number }> {
  const id = async (flag: string) => Number((await succeed({ name: 'id', args: [flag, user] })).toString())
  return { user: await id('-u'), group: await id('-g') }
}

function mainCf(
  folder: string,
  host: string,
  owner: { user: number; group: number },
  tls: { cert: string; key: string },
  options: PostfixOptions,
): string {
  const domains = [...new Set(options.mailboxes.map(address => address.slice(address.lastIndexOf('@') + 1)))]
  const table = (entries: readonly (readonly [string, string])[]) =>
    entries.length === 0 ? '' : `inline:{ ${entries.map(([key, value]) => `{ ${key} = ${value} }`).join(', ')} }`
  const parameters: Readonly<Record<string, string>> = {
    compatibility_level: '3.6',
    queue_directory: join(folder, 'spool'),
    data_directory: join(folder, 'data'),
    command_directory: '/usr/sbin',
    daemon_directory: '/usr/lib/postfix/sbin',
    meta_directory: '/etc/postfix',
    mail_owner: 'postfix',
    setgid_group: 'postdrop',
    maillog_file: join(folder, 'maillog'),
    maillog_file_prefixes: folder,
    inet_interfaces: options.namespace === undefined ? host : 'all',
    inet_protocols: 'ipv4',
    myhostname: options.hostname,
    mydestination: '',
    alias_maps: '',
    local_recipient_maps: '',
    mynetworks: options.namespace === undefined ? '127.0.0.0/8' : '127.0.0.0/8, 10.0.0.0/8',
    virtual_mailbox_domains: domains.join(', '),
    virtual_mailbox_base: join(folder, 'mail'),
    virtual_mailbox_maps: table(options.mailboxes.map(address => [address, `${address}/`])),
    virtual_uid_maps: `static:${owner.user}`,
    virtual_gid_maps: `static:${owner.group}`,
    virtual_minimum_uid: '1',
    virtual_mailbox_limit: '0',
    transport_maps: table(Object.entries(options.transports ?? {})),
    smtpd_relay_restrictions: 'permit_mynetworks, reject',
    smtpd_tls_cert_file: tls.cert,
    smtpd_tls_key_file: tls.key,
    smtpd_tls_security_level: 'may',
    smtpd_tls_loglevel: '1',
    smtpd_tls_received_header: 'yes',
    smtp_tls_security_level: options.outgoingTls ?? 'encrypt',
    smtp_tls_loglevel: '1',
    smtp_host_lookup: 'dns, native',
    smtpd_peername_lookup: 'no',
    message_size_limit: '104857600',
    minimal_backoff_time: '300s',
    ...options.parameters,
  }
  return Object.entries(parameters)
    .map(([key, value]) => `${key} = ${value}\n`)
    .join('')
}

/** Without chroot: one column less that could differ between machines. */
function masterCf(host: string, port: number): string {
  return `
${host}:${port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`
}

/** Reads a Maildir: its messages, oldest first. Postfix and Exim store lines with LF. What was read once is kept. */
export function maildir(folder: string): () => Buffer[] {
  const inbox = join(folder, 'new')
  const read = new Map<string, Buffer>()
  return () => {
    if (!existsSync(inbox)) return []
    const names = readdirSync(inbox).sort((a, b) => age(a) - age(b))
    for (const name of names) if (!read.has(name)) read.set(name, toCrlf(readFileSync(join(inbox, name))))
    return names.flatMap(name => read.get(name) ?? [])
  }
}

/** One reader for each of these mailboxes below `folder`. */
export function maildirs(folder: string, addresses: readonly string[]): (address: string) => Buffer[] {
  const readers = new Map(addresses.map(address => [address, maildir(join(folder, address))]))
  return address => {
    const reader = readers.get(address)
    if (reader === undefined) throw new Error(`no mailbox ${address}`)
    return reader()
  }
}

/** A name begins with the seconds, then 'M' and the microseconds somewhere (Postfix) or 'H...M' (Exim). */
function age(name: string): number {
  return Number(/^\d+/.exec(name)?.[0] ?? 0) * 1e6 + Number(/M(\d+)/.exec(name)?.[1] ?? 0)
}

function toCrlf(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1')
}

export interface Mailboxes {
  readonly mail: (address: string) => Buffer[] | Promise<Buffer[]>
  readonly find?: (address: string, wanted: (message: Buffer) => boolean) => Promise<Buffer | undefined>
  readonly log: () => string
}

/** The first message in a mailbox that `wanted` likes, within 30 s. */
export function arrives(server: Mailboxes, address: string, wanted: (message: Buffer) => boolean): Promise<Buffer> {
  return until(
    () => `a message for ${address}:\n${server.log().slice(-6000)}`,
    async () => (server.find === undefined ? (await server.mail(address)).find(wanted) : server.find(address, wanted)),
    30_000,
  )
}
