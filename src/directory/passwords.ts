import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { prepare } from '../sasl/prepare.ts'

/**
 * Passwords are kept as argon2id (OWASP's first choice: 19 MiB, 2 passes). That is meant to be slow, so a password that was right is
 * remembered for a while as a keyed hash, with a key that never leaves this process, beside the stored hash it belonged to: a changed password
 * is a changed stored hash. Wrong ones are never remembered.
 */
const COST = { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 } as const

/** Loaded with the first log-in. */
const argon2 = () => import('@node-rs/argon2')

/** Hashes computed at the same time; the rest waits its turn, so that a flood of log-ins takes neither memory nor all threads of the pool. */
const PARALLEL = 2
const WAITING = 200
const REMEMBERED = 10_000

/** Of the prepared form (RFC 4013), in which log-ins are compared. undefined: a password that nobody could log in with. */
export async function hashPassword(password: string): Promise<string | undefined> {
  const prepared = prepare(password)
  return prepared === undefined || prepared === '' ? undefined : (await argon2()).hash(prepared, COST)
}

export function passwordChecker() {
  const secret = randomBytes(32)
  /** As strings of a character for each octet, a quarter of what buffers take. */
  const right = new Map<string, string>()
  const waiting: (() => void)[] = []
  // An account that doesn't exist costs the same time as a wrong password (no user enumeration).
  let decoy: Promise<string> | undefined
  let running = 0

  const digest = (stored: string, password: string): Buffer =>
    createHmac('sha256', secret).update(stored).update('\0').update(password).digest()

  async function turn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= PARALLEL) await new Promise<void>(resolve => waiting.push(resolve))
    running++
    try {
      return await work()
    } finally {
      running--
      waiting.shift()?.()
    }
  }

  return {
    /**
     * Whether the password is right for this stored hash; undefined for an account that doesn't exist.
     * 'busy': too many are waiting already; nothing was checked.
     */
    async check(stored: string | undefined, password: string): Promise<boolean | 'busy'> {
      if (stored !== undefined) {
        const known = right.get(stored)
        if (known !== undefined && timingSafeEqual(Buffer.from(known, 'latin1'), digest(stored, password))) return true
      }
      if (waiting.length >= WAITING) return 'busy'
      const against =
        stored ?? (await (decoy ??= argon2().then(({ hash }) => hash(randomBytes(16).toString('hex'), COST))))
      const matches = await turn(async () => (await argon2()).verify(against, password).catch(() => false))
      if (!matches || stored === undefined) return false
      if (right.size >= REMEMBERED) right.clear()
      right.set(stored, digest(stored, password).toString('latin1'))
      return true
    },
  }
}

export type PasswordChecker = ReturnType<typeof passwordChecker>
