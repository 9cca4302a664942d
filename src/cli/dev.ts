/** The first look: what `npm start` shows. */
import { DEV_CAUGHT, DEV_DOMAIN } from '../config/dev.ts'
import { hashPassword } from '../directory/passwords.ts'
import type { Running } from './serve.ts'

const PASSWORD = 'staffetta'
const ACCOUNTS = [`anna@${DEV_DOMAIN}`, `bruno@${DEV_DOMAIN}`, DEV_CAUGHT]

/** Makes the demo domain and accounts where they are missing, and prints the box. */
export async function welcome({ settings, supervisor }: Running): Promise<void> {
  const { storage, addresses } = supervisor
  await storage.ask('directory', { is: 'add-domain', name: DEV_DOMAIN, catchAll: undefined })
  const hash = await hashPassword(PASSWORD)
  for (const address of ACCOUNTS) if (hash !== undefined) await storage.ask('directory', { is: 'add-account', address, hash })
  const port = (kind: string): number => {
    const at = settings.listeners.findIndex(listener => listener.kind === kind)
    return addresses[at]?.port ?? 0
  }
  console.log(
    box([
      'Staffetta is running on this machine only; no mail leaves it.',
      '',
      `SMTP         localhost:${port('smtp')}   no login needed`,
      `Submission   localhost:${port('submission')}   STARTTLS, login`,
      `Submissions  localhost:${port('submissions')}   TLS, login`,
      '',
      `Accounts     ${ACCOUNTS.slice(0, 2).join(', ')}`,
      `Password     ${PASSWORD}`,
      `Other mail   is caught for ${DEV_CAUGHT}`,
      '',
      'Try          npx staffetta send --to anna@staffetta.test --subject Hello',
      `             npx staffetta mail list anna@${DEV_DOMAIN}`,
    ]),
  )
}

function box(lines: readonly string[]): string {
  const width = Math.max(...lines.map(line => line.length))
  const edge = '─'.repeat(width + 2)
  return [`┌${edge}┐`, ...lines.map(line => `│ ${line.padEnd(width)} │`), `└${edge}┘`].join('\n')
}
