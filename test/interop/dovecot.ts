/** A private Dovecot: Debian's program with configuration, users and mail in a temporary folder, IMAP on two ports of the loopback address. */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { call, freePort, makeCertificate, run, until } from './program.ts'
import { ids } from './postfix.ts'

export const DOVECOT_PASSWORD = 'the old one'

export interface Dovecot {
  readonly host: string
  /** STARTTLS, and TLS from the first byte; the certificate is its own. */
  readonly imap: number
  readonly imaps: number
  /** The Maildir of a user. */
  readonly maildir: (user: string) => string
  /** Makes what is in the Maildir of a user its own. */
  readonly own: (user: string) => void
  readonly stop: () => Promise<void>
}

/** Users, all with DOVECOT_PASSWORD; their mailboxes are Maildirs. */
export async function startDovecot(users: readonly string[]): Promise<Dovecot> {
  const folder = mkdtempSync(join(tmpdir(), 'dovecot-'))
  chmodSync(folder, 0o755)
  const owner = await ids('nobody')
  for (const name of ['run', 'mail', 'tls', ...users.map(user => `mail/${user}`)]) {
    mkdirSync(join(folder, name))
    if (name.startsWith('mail')) chownSync(join(folder, name), owner.user, owner.group)
  }
  await makeCertificate(join(folder, 'tls'), 'mail.old.test')
  writeFileSync(join(folder, 'users'), users.map(user => `${user}:{PLAIN}${DOVECOT_PASSWORD}\n`).join(''))
  const [imap, imaps] = [await freePort(), await freePort()]
  writeFileSync(join(folder, 'dovecot.conf'), configOf(folder, owner, imap, imaps))
  const program = run({ name: 'dovecot', args: ['-F', '-c', join(folder, 'dovecot.conf')] })
  const greeted = async (): Promise<true | undefined> => {
    const args = ['-c', `exec 3<>/dev/tcp/127.0.0.1/${imap} && read -t 5 -u 3 && echo "$REPLY"`]
    return (await call({ name: 'bash', args })).stdout.toString().startsWith('* OK') ? true : undefined
  }
  try {
    await until(() => `a greeting of Dovecot: ${program.output()}`, greeted)
  } catch (error) {
    await program.stop()
    throw error
  }
  const maildir = (user: string): string => join(folder, 'mail', user, 'Maildir')
  return {
    host: '127.0.0.1',
    imap,
    imaps,
    maildir,
    own(user) {
      for (const name of ['', ...readdirSync(maildir(user), { recursive: true, encoding: 'utf8' })])
        chownSync(join(maildir(user), name), owner.user, owner.group)
    },
    async stop() {
      await program.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function configOf(folder: string, owner: { user: number; group: number }, imap: number, imaps: number): string {
  return `
base_dir = ${folder}/run
state_dir = ${folder}/run
log_path = ${folder}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <${folder}/tls/cert.pem
ssl_key = <${folder}/tls/key.pem
mail_home = ${folder}/mail/%u
mail_location = maildir:~/Maildir
first_valid_uid = 1
passdb {
  driver = passwd-file
  args = username_format=%u ${folder}/users
}
userdb {
  driver = static
  args = uid=${owner.user} gid=${owner.group} home=${folder}/mail/%u
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox "Sent Items" {
    special_use = \\Sent
  }
}
service imap-login {
  inet_listener imap {
    port = ${imap}
  }
  inet_listener imaps {
    port = ${imaps}
    ssl = yes
  }
}
service stats {
  client_limit = 100
}
`
}
