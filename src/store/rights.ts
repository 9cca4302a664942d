/** RFC 4314: what somebody may do with a mailbox, as letters in one order. */

/** RFC 4314 §2.1: see it, read, keep \Seen, write flags, insert, post, create below it, delete it, set \Deleted, expunge, administer. */
export const ALL_RIGHTS = 'lrswipkxtea'
/** RFC 4314 §2.1.1: the rights that the two of RFC 2086 stand for. */
const OBSOLETE: Readonly<Record<string, string>> = { c: 'kx', d: 'te' }

export interface AclEntry {
  readonly identifier: string
  readonly rights: string
}

/** Letters as a client gives them, in our order and without the obsolete ones. undefined: one of them means nothing (RFC 4314 §3.1: BAD). */
export function parseRights(text: string): string | undefined {
  let rights = ''
  for (const letter of text) {
    const meant = OBSOLETE[letter] ?? letter
    if (!ALL_RIGHTS.includes(meant) && OBSOLETE[letter] === undefined) return undefined
    rights += meant
  }
  return ordered(rights)
}

/** RFC 4314 §2.1.1: as they are told, `c` and `d` too where one of what they stand for is there. */
export function formatRights(rights: string): string {
  const obsolete = Object.entries(OBSOLETE).filter(([, meant]) =>
    Array.from(meant).some(letter => rights.includes(letter)),
  )
  return rights + obsolete.map(([letter]) => letter).join('')
}

export function addRights(rights: string, more: string): string {
  return ordered(rights + more)
}

export function removeRights(rights: string, less: string): string {
  return Array.from(rights)
    .filter(letter => !less.includes(letter))
    .join('')
}

/** Of somebody who is not the owner. RFC 4314 §2: all that the identifiers give that mean this account, less what their negative ones take. */
export function rightsOf(acl: readonly AclEntry[], address: string): string {
  const names = [address, 'anyone', 'authuser']
  const of = (prefix: string): string =>
    acl
      .filter(({ identifier }) => names.some(name => prefix + name === identifier))
      .map(({ rights }) => rights)
      .join('')
  return removeRights(ordered(of('')), of('-'))
}

/** Each once. */
function ordered(rights: string): string {
  return Array.from(ALL_RIGHTS)
    .filter(letter => rights.includes(letter))
    .join('')
}
