import { lchownSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Least privilege: after the ports are bound, the process goes on as a user that owns nothing but the mail. */

interface User {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

function find(user: string): User | undefined {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , uid, gid] = line.split(':')
    if (name !== undefined && (name === user || uid === user) && uid !== undefined && gid !== undefined)
      return { name, uid: Number(uid), gid: Number(gid) }
  }
  return undefined
}

/** The groups that name this user as a member. */
function groupsOf(name: string): number[] {
  return readFileSync('/etc/group', 'utf8')
    .split('\n')
    .flatMap(line => {
      const [, , gid, members = ''] = line.split(':')
      return gid !== undefined && members.split(',').includes(name) ? [Number(gid)] : []
    })
}

/** For all threads of the process. undefined: done; otherwise what is wrong. */
export function dropRights(user: string): string | undefined {
  if (process.getuid?.() !== 0) return undefined // nothing to drop
  const to = find(user)
  if (!to) return `user: there is no user ${user} on this machine`
  if (to.uid === 0) return 'user: root is no user to go on as'
  process.setgroups?.([to.gid, ...groupsOf(to.name)]) // a certificate may be readable by a group of that user
  process.setgid?.(to.gid)
  process.setuid?.(to.uid)
  return process.getuid?.() === to.uid ? undefined : `user: the rights of root could not be given up`
}

/** The data folder and what is in it belong to the user who will work with it; where a link that this user may have put there points to does not. */
export function ownFolder(folder: string, user: string): void {
  const to = find(user)
  if (!to || process.getuid?.() !== 0) return
  lchownSync(folder, to.uid, to.gid)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) ownFolder(path, user)
    else lchownSync(path, to.uid, to.gid)
  }
}
