/**
 * A private Exim: Debian's exim4-daemon-light as test/interop/install.sh unpacks it (it cannot be installed beside Postfix), with its
 * own configuration, spool and mailboxes in a temporary folder. It runs as its own user throughout, on a high port.
 */
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ids, maildirs } from './postfix.ts'
import { freePort, greets, makeCertificate, run, succeed } from './program.ts'

export interface Exim {
  readonly host: string
  readonly port: number
  readonly log: () => string
  /** The messages in a mailbox, oldest first, with LF turned into CRLF. */
  readonly mail: (address: string) => Buffer[]
  /** `exim -bp` */
  readonly queue: () => Promise<string>
  /** One queue run, forced, until its end. */
  readonly flush: () => Promise<void>
  readonly stop: () => Promise<void>
}

export interface EximOptions {
  readonly hostname: string
  /** Mailboxes; everybody else in these domains is refused with 550. */
  readonly mailboxes: readonly string[]
  /** Domain → 'host::port'-like next hop: { host, port }. */
  readonly transports: Readonly<Record<string, { readonly host: string; readonly port: number }>>
  /** Who may log in, by PLAIN under TLS. */
  readonly login?: { readonly user: string; readonly password: string }
}

const EXIM = join(process.env['XDG_CACHE_HOME'] ?? '/var/cache', 'staffetta-interop/exim/usr/sbin/exim4')

/** In words, for `skipWithout`. */
export function missingExim(): readonly string[] {
  return existsSync(EXIM) ? [] : ['exim4']
}

export async function startExim(options: EximOptions): Promise<Exim> {
  const folder = mkdtempSync(join(tmpdir(), 'exim-'))
  chmodSync(folder, 0o755)
  const port = await freePort()
  const owner = await ids('Debian-exim')
  const tls = await makeCertificate(folder, options.hostname)
  for (const name of ['spool', 'mail', 'log']) mkdirSync(join(folder, name))
  for (const name of ['spool', 'mail', 'log', 'key.pem']) chownSync(join(folder, name), owner.user, owner.group)
  const mailbox = (address: string): string => join(folder, 'mail', address)
  writeFileSync(join(folder, 'mailboxes'), options.mailboxes.map(name => `"${name}": ${mailbox(name)}\n`).join(''))
  const config = join(folder, 'exim.conf')
  writeFileSync(config, eximConf(folder, port, tls, options))
  const exim = (...args: string[]) => ({
    name: 'setpriv',
    args: [`--reuid=${owner.user}`, `--regid=${owner.group}`, '--clear-groups', '--', EXIM, '-C', config, ...args],
  })
  const log = (): string =>
    ['main', 'reject', 'panic']
      .map(name => join(folder, 'log', `${name}log`))
      .map(file => (existsSync(file) ? readFileSync(file, 'utf8') : ''))
      .join('')
  const daemon = run(exim('-bdf', '-q1m'))
  await greets({ ...daemon, output: () => daemon.output() + log() }, { host: '127.0.0.1', port })
  return {
    host: '127.0.0.1',
    port,
    log,
    mail: maildirs(join(folder, 'mail'), options.mailboxes),
    async queue() {
      return (await succeed(exim('-bp'))).toString()
    },
    async flush() {
      await succeed(exim('-qff'))
    },
    async stop() {
      await daemon.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function eximConf(folder: string, port: number, tls: { cert: string; key: string }, options: EximOptions): string {
  const domains = [...new Set(options.mailboxes.map(address => address.slice(address.lastIndexOf('@') + 1)))]
  const routes = Object.entries(options.transports).map(([domain, next]) => `${domain} ${next.host}::${next.port}`)
  return `
primary_hostname = ${options.hostname}
exim_path = ${EXIM}
spool_directory = ${folder}/spool
log_file_path = ${folder}/log/%slog
log_selector = +tls_cipher +smtp_confirmation +8bitmime +received_recipients
pid_file_path = ${folder}/spool/exim.pid
deliver_drop_privilege = true
keep_environment =
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port}
host_lookup =
rfc1413_query_timeout = 0s
message_size_limit = 100M
accept_8bitmime = true
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
tls_advertise_hosts = *
tls_certificate = ${tls.cert}
tls_privatekey = ${tls.key}
domainlist local_domains = ${domains.join(' : ')}
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = accept

begin acl
acl_rcpt:
  require verify = recipient
  accept hosts = 127.0.0.1

begin routers
mailboxes:
  driver = accept
  domains = +local_domains
  # what comes out of a lookup is no longer tainted, so it may name a folder
  address_data = \${lookup{$local_part@$domain}lsearch{${folder}/mailboxes}{$value}fail}
  transport = maildir
  no_more
next:
  driver = manualroute
  domains = ! +local_domains
  transport = remote
  self = send
  route_list = ${routes.join(' ; ')}

begin transports
maildir:
  driver = appendfile
  maildir_format
  directory = $address_data
  create_directory
  user = Debian-exim
  envelope_to_add
  return_path_add
  delivery_date_add
remote:
  driver = smtp
  allow_localhost
  hosts_require_tls = *
  tls_verify_hosts =
  tls_try_verify_hosts =

begin retry
* * F,2h,5m

begin authenticators
${options.login === undefined ? '' : authenticator(options.login)}
`
}

function authenticator({ user, password }: { readonly user: string; readonly password: string }): string {
  return `
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{$auth2}{${user}}}{eq{$auth3}{${password}}}}}
  server_set_id = $auth2
  server_advertise_condition = \${if def:tls_in_cipher}
`
}
