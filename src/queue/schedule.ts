/** When to try again. Pure: time and chance are arguments. */
export interface RetrySettings {
  /** ms */
  readonly retryFirst: number
  readonly retryLongest: number
}

/**
 * The time of the next attempt, in ms since 1970: `retryFirst` after the first failure, then doubled up to `retryLongest`, each shortened by
 * up to a fifth by `jitter` (0 to 1), so that what failed together does not come back together. RFC 5321 §4.5.4.1.
 */
export function nextDue(
  attempts: number,
  now: number,
  jitter: number,
  { retryFirst, retryLongest }: RetrySettings,
): number {
  const interval = Math.min(retryLongest, retryFirst * 2 ** Math.min(30, Math.max(0, attempts - 1)))
  return Math.round(now + interval * (1 - jitter / 5))
}
