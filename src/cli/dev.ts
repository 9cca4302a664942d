/** `staffetta dev`, which is `npm start`: the first look. It has sent itself a message before it says anything. */
import type { Command } from 'commander'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DEV_CAUGHT, DEV_DOMAIN, DEV_PORTS, type DevPorts, devSettings } from '../config/dev.ts'
import { hashPassword } from '../directory/passwords.ts'
import { formatId, type Id } from '../mail/id.ts'
import type { DirectoryChange } from '../storage/operations.ts'
import { openStorageReader, type StorageReader } from '../storage/sqlite/reader.ts'
import { CommandError } from './access.ts'
import { compose } from './compose.ts'
import { portOf } from './host.ts'
import { envelopeOf, handIn, recipientsOf } from './send.ts'
import { type Machinery, run, type Running } from './serve.ts'
import { styled, type Terminal, terminal } from './table.ts'
import { parseEvents, timelineText } from './timeline.ts'

const PASSWORD = 'staffetta'
const ANNA = `anna@${DEV_DOMAIN}`
const BRUNO = `bruno@${DEV_DOMAIN}`

interface DevOptions {
  readonly data: string
  readonly smtpPort: number
  readonly submissionPort: number
  readonly submissionsPort: number
  readonly imapPort: number
  readonly imapsPort: number
  readonly pop3Port: number
  readonly pop3sPort: number
}

export function addDev(root: Command, machinery: Machinery): void {
  root
    .command('dev')
    .description(`run a server to develop with: on loopback, for ${DEV_DOMAIN}; nothing leaves the machine`)
    .option('--data <folder>', 'the data folder', './data')
    .option('--smtp-port <port>', 'without login', portOf, DEV_PORTS.smtp)
    .option('--submission-port <port>', 'STARTTLS and login', portOf, DEV_PORTS.submission)
    .option('--submissions-port <port>', 'TLS from the first byte and login', portOf, DEV_PORTS.submissions)
    .option('--imap-port <port>', 'STARTTLS and login', portOf, DEV_PORTS.imap)
    .option('--imaps-port <port>', 'TLS from the first byte and login', portOf, DEV_PORTS.imaps)
    .option('--pop3-port <port>', 'STLS and login', portOf, DEV_PORTS.pop3)
    .option('--pop3s-port <port>', 'TLS from the first byte and login', portOf, DEV_PORTS.pop3s)
    .action(async (options: DevOptions) => {
      const settings = devSettings({ data: options.data, ports: portsOf(options) })
      const running = await run(settings, undefined, { to: 'people' }, machinery).catch(betterAdvice)
      await welcome(running, options)
      process.exit(await running.ended)
    })
}

const PORT_OPTIONS = Object.keys(DEV_PORTS)
  .map(kind => `--${kind}-port`)
  .join(', ')

function portsOf(options: DevOptions): DevPorts {
  return {
    smtp: options.smtpPort,
    submission: options.submissionPort,
    submissions: options.submissionsPort,
    imap: options.imapPort,
    imaps: options.imapsPort,
    pop3: options.pop3Port,
    pop3s: options.pop3sPort,
  }
}

function betterAdvice(error: unknown): never {
  if (error instanceof CommandError && error.message.includes('EADDRINUSE'))
    throw new CommandError(`${error.message} (${PORT_OPTIONS})`, error.code)
  if (error instanceof CommandError && error.message.includes('data folder'))
    throw new CommandError(`${error.message}; another folder is chosen with --data`, error.code)
  throw error
}

/** Makes what is missing, tries it once with a message to itself, and says where everything is. */
async function welcome({ settings, supervisor }: Running, options: DevOptions): Promise<void> {
  const reader = openStorageReader(settings.data)
  const on = terminal()
  try {
    for (const change of await missing(reader)) await supervisor.storage.ask('directory', change)
    const id = isEmpty(reader) ? await sendItself(reader, options.smtpPort) : undefined
    const shown = id === undefined ? [] : [...timeline(reader, id, on), '']
    console.log(frame([...places(options), '', ...shown, ...commands(options, id)], on))
  } finally {
    reader.close()
  }
}

async function missing(reader: StorageReader): Promise<DirectoryChange[]> {
  const changes: DirectoryChange[] = []
  if (!reader.domain(DEV_DOMAIN)) changes.push({ is: 'add-domain', name: DEV_DOMAIN, catchAll: undefined })
  const accounts = [ANNA, BRUNO, DEV_CAUGHT].filter(address => !reader.account(address))
  const hash = accounts.length > 0 ? await hashPassword(PASSWORD) : undefined
  if (hash !== undefined) for (const address of accounts) changes.push({ is: 'add-account', address, hash })
  return changes
}

function isEmpty(reader: StorageReader): boolean {
  const anna = reader.account(ANNA)
  return anna !== undefined && reader.mails(anna.id, 0, 1).length === 0
}

/** ms that the message may take. */
const PATIENCE = 5000

/** By SMTP, through the door that everybody uses. undefined: it did not arrive; the log tells why. */
async function sendItself(reader: StorageReader, port: number): Promise<Id | undefined> {
  const bytes = await compose({
    from: `Bruno <${BRUNO}>`,
    to: [`Anna <${ANNA}>`],
    cc: [],
    subject: 'Welcome to Staffetta',
    text: WELCOME,
    html: undefined,
    attachments: [],
    headers: [],
  })
  const [sender, ...recipients] = recipientsOf([BRUNO, ANNA])
  if (!sender) return undefined
  const all = [sender.address, ...recipients.map(({ address }) => address)]
  const limits = { lifetime: undefined, concurrency: undefined, rate: undefined }
  const route = { via: 'relay', host: '127.0.0.1', port, tls: 'none', auth: undefined, ...limits } as const
  const silent = { ca: undefined, dns: undefined, anyCertificate: false, content: false, say: () => undefined }
  await handIn(bytes, envelopeOf(bytes, sender.address, all), recipients, route, { name: 'localhost', ...silent })
  const mailbox = reader.account(ANNA)?.id ?? 0
  for (const end = Date.now() + PATIENCE; Date.now() < end; await sleep(20)) {
    const [mail] = reader.mails(mailbox, 0, 1)
    if (mail) return mail.message
  }
  return undefined
}

const WELCOME = `Hello Anna,

this message went from Bruno to you by SMTP. It was safe on disk, in your
mailbox, before the server said 250. Your mail program finds it by IMAP or
POP3, and an answer to Bruno takes the same way back.

Everything that happened to it can be read with "staffetta trace".

Bruno
`

function timeline(reader: StorageReader, id: Id, on: Terminal): string[] {
  const text = timelineText(parseEvents(reader.timeline(id)), { ...on, width: Math.min(on.width, WIDTH) })
  return [
    `It has sent itself message ${styled(formatId(id), 'cyan', on)}, and this is what became of it:`,
    ...text.split('\n'),
  ]
}

function places(options: DevOptions): string[] {
  const { smtp, submission, submissions, imap, imaps, pop3, pop3s } = portsOf(options)
  return [
    'Staffetta is running, for this machine only: no mail leaves it.',
    '',
    `SMTP        localhost:${smtp}   no login needed`,
    `Submission  localhost:${submission}   STARTTLS   localhost:${submissions}   TLS`,
    `IMAP        localhost:${imap}   STARTTLS   localhost:${imaps}   TLS`,
    `POP3        localhost:${pop3}   STARTTLS   localhost:${pop3s}   TLS`,
    `Log-ins     ${ANNA}, ${BRUNO}; password ${PASSWORD}`,
    `Other mail  is caught for ${DEV_CAUGHT}, same password`,
    `TLS         ${join(options.data, 'tls/cert.pem')} is self-signed; log-ins work without TLS, too`,
  ]
}

/** Lines that can be pasted: nothing stands before or after them. */
function commands(options: DevOptions, id: Id | undefined): string[] {
  const self = selfCommand(process.env, process.argv[1] ?? '')
  const data = options.data === './data' ? '' : ` --data ${quoted(options.data)}`
  const inbox = `imap://localhost:${options.imapPort}/INBOX`
  const server = options.smtpPort === DEV_PORTS.smtp ? '' : ` --server localhost:${options.smtpPort}`
  return [
    'Try, in another terminal and in this folder:',
    '',
    `${self} send${server} --to ${ANNA} --subject Hello --body Hi`,
    `${self} mail list ${ANNA}${data}`,
    `${self} mail show ${ANNA} 1${data}`,
    `curl -u ${ANNA}:${PASSWORD} '${inbox};MAILINDEX=1'`,
    `${self} trace ${id === undefined ? ANNA : formatId(id)}${data}`,
    `${self} --help`,
  ]
}

/** How the command line is called where this program was started: from a clone, or installed. */
export function selfCommand(env: NodeJS.ProcessEnv, file: string): string {
  if (env['npm_lifecycle_event'] !== undefined && file.endsWith('.ts')) return 'npm run -s staffetta --'
  if (file.endsWith('.ts')) return 'node src/main.ts'
  return env['npm_execpath'] === undefined && env['npm_command'] === undefined ? 'staffetta' : 'npx staffetta'
}

function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

const WIDTH = 80

/** Lines above and below, none beside: what is inside can be copied. */
function frame(lines: readonly string[], on: Terminal): string {
  const rule = styled('─'.repeat(Math.min(WIDTH, on.width)), 'dim', on)
  return ['', rule, ...lines, rule, ''].join('\n')
}
