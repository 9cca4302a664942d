/** Thunderbird, with a profile of an account that was set up before; the passwords are typed when it asks for them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MailAccount, MailWindow, OpenMailWindow } from './mail-window.ts'
import { run, succeed, until } from './program.ts'

export const THUNDERBIRD = 'thunderbird'

const MAIN = 'Mozilla Thunderbird'
const COMPOSE = '^Write: '
/** ms until the window of a reply takes what is typed. */
const EDITOR = 2000

/** Settings of an account with TLS at once and a password, and none of what a first start would say or fetch from the Internet. */
function settings({
  address,
  name,
  imap,
  submission,
}: MailAccount): Readonly<Record<string, string | number | boolean>> {
  return {
    'mail.accountmanager.accounts': 'account1,account2',
    'mail.accountmanager.defaultaccount': 'account1',
    'mail.accountmanager.localfoldersserver': 'server2',
    'mail.account.account1.identities': 'id1',
    'mail.account.account1.server': 'server1',
    'mail.account.account2.server': 'server2',
    'mail.server.server1.type': 'imap',
    'mail.server.server1.hostname': '127.0.0.1',
    'mail.server.server1.port': imap,
    'mail.server.server1.userName': address,
    'mail.server.server1.name': name,
    'mail.server.server1.socketType': 3,
    'mail.server.server1.authMethod': 3,
    'mail.server.server1.login_at_startup': true,
    'mail.server.server2.type': 'none',
    'mail.server.server2.hostname': 'Local Folders',
    'mail.server.server2.name': 'Local Folders',
    'mail.server.server2.userName': 'nobody',
    'mail.identity.id1.fullName': name,
    'mail.identity.id1.useremail': address,
    'mail.identity.id1.valid': true,
    'mail.identity.id1.compose_html': false,
    'mail.identity.id1.smtpServer': 'smtp1',
    'mail.smtpservers': 'smtp1',
    'mail.smtp.defaultserver': 'smtp1',
    'mail.smtpserver.smtp1.hostname': '127.0.0.1',
    'mail.smtpserver.smtp1.port': submission,
    'mail.smtpserver.smtp1.username': address,
    'mail.smtpserver.smtp1.try_ssl': 3,
    'mail.smtpserver.smtp1.authMethod': 3,
    'mail.warn_on_send_accel_key': false,
    'mail.shell.checkDefaultClient': false,
    'mail.spellcheck.inline': false,
    'mail.rights.version': 1,
    'mailnews.start_page.enabled': false,
    'mailnews.start_page_override.mstone': 'ignore',
    'app.donation.eoy.version.viewed': 999,
    'app.update.enabled': false,
    'datareporting.policy.dataSubmissionEnabled': false,
    'extensions.update.enabled': false,
    'network.captive-portal-service.enabled': false,
    'network.connectivity-service.enabled': false,
    'toolkit.telemetry.enabled': false,
  }
}

/** What the button “Confirm Security Exception” writes: the port, SHA-256 by its OID, and the fingerprint. */
async function certificateExceptions({ imap, submission, certificate }: MailAccount): Promise<string> {
  const args = ['x509', '-in', certificate.cert, '-noout', '-fingerprint', '-sha256']
  const fingerprint = (await succeed({ name: 'openssl', args })).toString().trim().split('=')[1]
  return [imap, submission].map(port => `127.0.0.1:${port}:\tOID.2.16.840.1.101.3.4.2.1\t${fingerprint}\t\n`).join('')
}

export const openThunderbird: OpenMailWindow = async (screen, account, folder): Promise<MailWindow> => {
  const profile = join(folder, 'profile')
  mkdirSync(profile)
  const lines = Object.entries(settings(account)).map(
    ([key, value]) => `user_pref("${key}", ${JSON.stringify(value)});\n`,
  )
  writeFileSync(join(profile, 'user.js'), lines.join(''))
  writeFileSync(join(profile, 'cert_override.txt'), await certificateExceptions(account))
  const env = { ...screen.env, HOME: folder, TMPDIR: folder, LC_ALL: 'C.UTF-8', NO_AT_BRIDGE: '1' }
  const program = run({ name: THUNDERBIRD, args: ['--profile', profile, '--no-remote'], env })
  const givePassword = async (title: string): Promise<void> => {
    await screen.window(title, 60_000)
    await screen.type(account.password)
    await screen.keys('Return')
    await screen.gone(title)
  }
  return {
    async open() {
      await givePassword('^Enter your password')
      await screen.window(`^Inbox .*${MAIN}`)
    },
    async show() {
      await screen.window(MAIN)
      await screen.keys('n') // the next that was not read
    },
    async reply(text) {
      await screen.window(MAIN)
      await screen.keys('ctrl+r')
      await screen.window(COMPOSE)
      await sleep(EDITOR)
      await screen.type(text)
    },
    async send() {
      await screen.window(COMPOSE)
      await screen.keys('ctrl+Return')
      await givePassword('^Password Required')
      await screen.gone(COMPOSE)
    },
    async quit() {
      await screen.window(MAIN)
      await screen.keys('ctrl+q')
      await until('the end of Thunderbird', () => program.hasEnded() || undefined)
    },
    stop: () => program.stop(),
  }
}
