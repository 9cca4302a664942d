import type { DatabaseSync } from 'node:sqlite'
import { type Flags, FIRST_KEYWORD, hasBit, MAX_KEYWORDS, union } from '../../mail/flags.ts'

/** The keywords of mailboxes and the places of their bits; inside the caller's transaction. */
export function keywordTables(database: DatabaseSync) {
  const prepare = (sql: string) => database.prepare(sql)
  const all = prepare('SELECT place, name FROM keyword WHERE mailbox = ?')
  const insert = prepare('INSERT INTO keyword (mailbox, place, name) VALUES (?, ?, ?)')
  const remove = prepare('DELETE FROM keyword WHERE mailbox = ? AND place = ?')
  const copy = prepare('INSERT INTO keyword SELECT ?, place, name FROM keyword WHERE mailbox = ?')
  const used = prepare('SELECT DISTINCT flags FROM mail WHERE mailbox = ?')

  function placesOf(mailbox: number): Map<string, number> {
    return new Map(all.all(mailbox).map(row => [String(row['name']).toLowerCase(), Number(row['place'])]))
  }

  /** Forgets keywords that no mail has any more: their places are free again. */
  function reclaim(mailbox: number, places: Map<string, number>): void {
    let bits = 0
    for (const { flags } of used.all(mailbox)) bits = union(bits, Number(flags))
    for (const [name, place] of places) {
      if (hasBit(bits, place)) continue
      remove.run(mailbox, place)
      places.delete(name)
    }
  }

  /** The places of these keywords, made where they are missing; undefined: that would be more than MAX_KEYWORDS, and none was made. */
  function placesFor(mailbox: number, names: readonly string[]): ReadonlyMap<string, number> | undefined {
    if (names.length === 0) return NO_PLACES
    const places = placesOf(mailbox)
    const missing = (): Map<string, string> =>
      new Map(names.map(name => [name.toLowerCase(), name] as const).filter(([key]) => !places.has(key)))
    if (places.size + missing().size > MAX_KEYWORDS) reclaim(mailbox, places)
    const made = missing()
    if (places.size + made.size > MAX_KEYWORDS) return undefined
    const taken = new Set(places.values())
    let place = FIRST_KEYWORD
    for (const [key, name] of made) {
      while (taken.has(place)) place++
      insert.run(mailbox, place, name)
      places.set(key, place)
      taken.add(place)
    }
    return places
  }

  function bitsOf({ system, keywords }: Flags, places: ReadonlyMap<string, number>): number {
    let bits = system
    for (const name of keywords) {
      const place = places.get(name.toLowerCase())
      if (place !== undefined) bits = union(bits, 2 ** place)
    }
    return bits
  }

  return {
    /** The bits of each of these flags; undefined: too many keywords. */
    bits(mailbox: number, all: readonly Flags[]): readonly number[] | undefined {
      const places = placesFor(
        mailbox,
        all.flatMap(flags => flags.keywords),
      )
      return places && all.map(flags => bitsOf(flags, places))
    },

    /** Of keywords that are there; others have no bit. */
    knownBits(mailbox: number, flags: Flags): number {
      return flags.keywords.length === 0 ? flags.system : bitsOf(flags, placesOf(mailbox))
    },

    /** The bits that mean the same in another mailbox, for each of these; undefined: too many keywords there. */
    translate(from: number, to: number, bits: ReadonlySet<number>): ReadonlyMap<number, number> | undefined {
      const named = [...bits].some(one => one >= 2 ** FIRST_KEYWORD) && from !== to
      const names = named ? all.all(from).map(row => [Number(row['place']), String(row['name'])] as const) : []
      const flags = [...bits].map(one => ({
        system: one % 2 ** FIRST_KEYWORD,
        keywords: names.filter(([place]) => hasBit(one, place)).map(([, name]) => name),
      }))
      const translated = named ? this.bits(to, flags) : [...bits]
      return translated && new Map([...bits].map((one, i) => [one, translated[i] ?? 0]))
    },

    /** All keywords of a mailbox, at the same places, for a mailbox that has none. */
    copy(from: number, to: number): void {
      copy.run(to, from)
    },
  }
}

const NO_PLACES: ReadonlyMap<string, number> = new Map()

export type KeywordTables = ReturnType<typeof keywordTables>
