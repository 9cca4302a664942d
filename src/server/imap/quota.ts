/** RFC 9208. There are two roots: the account, under its address, and its domain, under its name. What nobody limits is not told. */
import { astring, mailboxName } from '../../imap/response.ts'
import type { MailboxRow, QuotaRoot } from '../../storage/mail-reader.ts'
import { no, ok } from './answers.ts'
import { accountOf, mailboxFor, withRights } from './names.ts'
import type { ImapSession, Tagged } from './session.ts'

/** RFC 9208 §5.1: STORAGE is told in units of 1,024 octets. */
const KB = 1024

interface Root {
  readonly name: string
  readonly root: QuotaRoot
}

export function getQuotaRoot({ mailbox }: { readonly mailbox: string }, session: ImapSession): Tagged {
  const found = mailboxFor(session, mailbox, 'r') // RFC 9208 §6
  if ('is' in found) return found
  const { account, owner } = found.row
  const roots = rootsOf(session, account, owner)
  const names = roots.map(({ name }) => ` ${astring(name, session.utf8)}`)
  session.write(`* QUOTAROOT ${mailboxName(mailbox, session.utf8)}${names.join('')}\r\n`)
  for (const root of roots) writeRoot(session, root)
  return ok('Done')
}

export function getQuota({ root: name }: { readonly root: string }, session: ImapSession): Tagged {
  const found = knownRoots(session).find(root => root.name.toLowerCase() === name.toLowerCase())
  if (!found) return no('NONEXISTENT', 'There is no such quota root')
  writeRoot(session, found)
  return ok('Done')
}

/** RFC 9208 §4.1.3: limits are the operator's business. */
export function setQuota(): Tagged {
  return no('NOPERM', 'Quotas are set by who runs this server')
}

/** Roots of this account, and of those that share a mailbox with it. */
function knownRoots(session: ImapSession): Root[] {
  const { id, address } = accountOf(session)
  const owners = new Map([[id, address]])
  for (const { account, owner } of readable(session)) owners.set(account, owner)
  return [...owners].flatMap(([account, owner]) => rootsOf(session, account, owner))
}

function readable(session: ImapSession): readonly MailboxRow[] {
  const { id, address } = accountOf(session)
  const seen = new Set<number>()
  return session.services.reader.shared(id, address).filter(row => {
    if (seen.has(row.account) || !withRights(session, row)?.rights.includes('r')) return false
    seen.add(row.account)
    return true
  })
}

function rootsOf(session: ImapSession, account: number, owner: string): Root[] {
  const quota = session.services.reader.quota(account)
  const domain = { name: owner.slice(owner.lastIndexOf('@') + 1), root: quota.domain }
  return [{ name: owner, root: quota.account }, ...(isLimited(quota.domain) ? [domain] : [])]
}

const isLimited = ({ maxBytes, maxMails }: QuotaRoot): boolean => maxBytes !== undefined || maxMails !== undefined

/** RFC 9208 §4.2.1 */
function writeRoot(session: ImapSession, { name, root }: Root): void {
  const resources: string[] = []
  if (root.maxBytes !== undefined) {
    resources.push(`STORAGE ${Math.ceil(root.usedBytes / KB)} ${Math.floor(root.maxBytes / KB)}`)
  }
  if (root.maxMails !== undefined) resources.push(`MESSAGE ${root.usedMails} ${root.maxMails}`)
  session.write(`* QUOTA ${astring(name, session.utf8)} (${resources.join(' ')})\r\n`)
}
