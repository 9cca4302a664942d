/** Bounds how many of something are under way at the same time. Who enters leaves again. */
export interface Turnstile {
  /** false: too many wait already. */
  readonly enter: () => Promise<boolean>
  readonly leave: () => void
}

/** Lets `limit` in at a time; 40 times as many wait for their turn. */
export function createTurnstile(limit: number): Turnstile {
  const waiting: (() => void)[] = []
  let inside = 0
  return {
    async enter(): Promise<boolean> {
      if (inside < limit) {
        inside++
        return true
      }
      if (waiting.length >= limit * 40) return false
      await new Promise<void>(admit => waiting.push(admit))
      return true
    },
    leave(): void {
      const admit = waiting.shift()
      if (admit === undefined) inside--
      else admit() // takes over our place
    },
  }
}
