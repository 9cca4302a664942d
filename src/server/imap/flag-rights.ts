/** RFC 4314 §4: which flags somebody may change: \Seen with s, \Deleted with t, all others with w. */
import { ANSWERED, DELETED, DRAFT, FLAGGED, type Flags, SEEN } from '../../mail/flags.ts'

export interface Changeable {
  /** Bits of the system flags. */
  readonly system: number
  readonly keywords: boolean
}

export function changeable(rights: string): Changeable {
  const may = (right: string): boolean => rights.includes(right)
  const system = (may('s') ? SEEN : 0) | (may('t') ? DELETED : 0) | (may('w') ? ANSWERED | FLAGGED | DRAFT : 0)
  return { system, keywords: may('w') }
}

export function isAll({ system, keywords }: Changeable): boolean {
  return keywords && system === (SEEN | ANSWERED | FLAGGED | DELETED | DRAFT)
}

/** What is left of flags that somebody gives. */
export function permitted(flags: Flags, { system, keywords }: Changeable): Flags {
  return { system: flags.system & system, keywords: keywords ? flags.keywords : [] }
}
