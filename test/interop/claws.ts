/** Claws Mail, from its very first start: its setup wizard, filled in from a template, is gone through, and the certificates are looked at. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MailAccount, MailWindow, OpenMailWindow } from './mail-window.ts'
import { run, succeed, until } from './program.ts'

export const CLAWS = 'claws-mail'

const MAIN = 'Claws Mail [0-9]'
const COMPOSE = 'Compose message'
const CERTIFICATE = 'TLS certificate'

/** accountrc.tmpl of Claws Mail, which says what each of them means. */
function template({ address, name, password, imap, submission }: MailAccount): string {
  const lines = [
    '[AccountTemplate]',
    `name=${name}`,
    `email=${address}`,
    'recvtype=1', // IMAP
    `recvserver=127.0.0.1:${imap}`,
    `recvuser=${address}`,
    `recvpass=${password}`,
    'recvssl=1', // TLS at once
    'subsonly=0',
    `smtpserver=127.0.0.1:${submission}`,
    'smtpauth=1',
    'smtpssl=1',
  ]
  return `${lines.join('\n')}\n`
}

/** Windows that fit on the screen, and no dictionary, which it would complain about. */
const SETTINGS = '[Common]\nenable_aspell=0\ncompose_width=900\ncompose_height=700\n'

export const openClaws: OpenMailWindow = async (screen, account, folder): Promise<MailWindow> => {
  const config = join(folder, '.claws-mail')
  mkdirSync(config)
  writeFileSync(join(config, 'accountrc.tmpl'), template(account))
  writeFileSync(join(config, 'clawsrc'), SETTINGS)
  const env = { ...screen.env, HOME: folder, TMPDIR: folder, LC_ALL: 'C.UTF-8', NO_AT_BRIDGE: '1' }
  const program = run({ name: CLAWS, args: ['--geometry', '1200x800+0+0'], env })
  /** Told to the one that runs. */
  const tell = (...args: string[]) => succeed({ name: CLAWS, args, env })
  const inbox = `#imap/${account.address}@127.0.0.1:${account.imap}/INBOX`
  const acceptCertificate = async (): Promise<void> => {
    await screen.window(CERTIFICATE)
    await screen.keys('alt+a')
    await screen.gone(CERTIFICATE)
  }
  return {
    async open() {
      await screen.window('Setup Wizard')
      // About you, receiving, sending, finished.
      for (let page = 0; page < 4; page++) await screen.keys('alt+n')
      await screen.keys('alt+s')
      await acceptCertificate()
      await screen.window(MAIN)
      await tell('--select', inbox)
    },
    async show(uid) {
      await tell('--select', `${inbox}/${uid}`)
    },
    async reply(text) {
      await screen.window(MAIN)
      await screen.keys('ctrl+r')
      await screen.window(COMPOSE)
      await screen.type(text)
      await screen.window(`${COMPOSE} \\[Edited`)
    },
    async send() {
      await screen.window(COMPOSE)
      await screen.keys('ctrl+Return')
      await acceptCertificate()
      await screen.gone(COMPOSE)
    },
    async quit() {
      await tell('--quit')
      await until('the end of Claws Mail', () => program.hasEnded() || undefined)
    },
    stop: () => program.stop(),
  }
}
