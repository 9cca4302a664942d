/** Durations and sizes as people write them, and back. Both directions are pure and bounded by the safe integers. */

/** A number of ms, or text like `'5 min'`, `'4 hours'`, `'5 days'`, `'250 ms'`. */
export type Duration = number | `${number}${'' | ' '}${DurationUnit}`
/** A number of bytes, or text like `'50 MB'`, `'256 KB'`. 1 KB is 1024 bytes. */
export type Size = number | `${number}${'' | ' '}${SizeUnit}`
/** A number per second, or text like `'20 / min'`. */
export type Rate = number | `${number}${'' | ' '}/${'' | ' '}${RateUnit}`

type DurationUnit = keyof typeof DURATIONS
type SizeUnit = keyof typeof SIZES
type RateUnit = keyof typeof RATES

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const DURATIONS = {
  ms: 1,
  s: SECOND,
  second: SECOND,
  seconds: SECOND,
  min: MINUTE,
  minute: MINUTE,
  minutes: MINUTE,
  h: HOUR,
  hour: HOUR,
  hours: HOUR,
  d: DAY,
  day: DAY,
  days: DAY,
  week: 7 * DAY,
  weeks: 7 * DAY,
} as const

const KIB = 1024
const SIZES = {
  B: 1,
  KB: KIB,
  MB: KIB ** 2,
  GB: KIB ** 3,
  TB: KIB ** 4,
  KiB: KIB,
  MiB: KIB ** 2,
  GiB: KIB ** 3,
  TiB: KIB ** 4,
} as const
const RATES = { s: 1, second: 1, min: 60, minute: 60, h: 3600, hour: 3600, day: 86_400 } as const

const DURATION_UNITS = lowerCase(DURATIONS)
const SIZE_UNITS = lowerCase(SIZES)
const RATE_UNITS = lowerCase(RATES)

/** Whole ms, rounded; undefined when it is not a duration. */
export function parseDuration(input: unknown): number | undefined {
  return parseAmount(input, DURATION_UNITS)
}

/** Whole bytes, rounded; undefined when it is not a size. */
export function parseSize(input: unknown): number | undefined {
  return parseAmount(input, SIZE_UNITS)
}

/** Events per second, above 0; undefined when it is not a rate. */
export function parseRate(input: unknown): number | undefined {
  const match =
    typeof input === 'string' ? /^(\d{1,15}(?:\.\d{1,6})?) ?\/ ?([a-z]{1,6})$/i.exec(input.trim()) : undefined
  const rate = match ? Number(match[1]) / (RATE_UNITS.get(match[2]?.toLowerCase() ?? '') ?? Number.NaN) : input
  return typeof rate === 'number' && Number.isFinite(rate) && rate > 0 ? rate : undefined
}

/** The largest unit that holds the ms exactly: 300000 is `'5 min'`. */
export function formatDuration(ms: number): string {
  const [count, unit] = largest(ms, [
    ['day', DAY],
    ['hour', HOUR],
    ['min', MINUTE],
    ['s', SECOND],
    ['ms', 1],
  ])
  return `${count} ${count !== 1 && (unit === 'day' || unit === 'hour') ? `${unit}s` : unit}`
}

/** The largest unit that holds the bytes exactly: 52428800 is `'50 MB'`. */
export function formatSize(bytes: number): string {
  return largest(bytes, [
    ['TB', SIZES.TB],
    ['GB', SIZES.GB],
    ['MB', SIZES.MB],
    ['KB', SIZES.KB],
    ['B', 1],
  ]).join(' ')
}

function largest(amount: number, units: readonly (readonly [string, number])[]): [number, string] {
  const fits = units.find(([, size]) => amount >= size && amount % size === 0) ?? units.at(-1)
  return fits ? [amount / fits[1], fits[0]] : [amount, '']
}

function parseAmount(input: unknown, units: ReadonlyMap<string, number>): number | undefined {
  if (typeof input === 'number') return Number.isSafeInteger(input) && input >= 0 ? input : undefined
  if (typeof input !== 'string') return undefined
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([a-z]{1,7})$/i.exec(input.trim())
  const unit = units.get(match?.[2]?.toLowerCase() ?? '')
  if (!match || unit === undefined) return undefined
  const amount = Math.round(Number(match[1]) * unit)
  return Number.isSafeInteger(amount) ? amount : undefined
}

function lowerCase(units: Readonly<Record<string, number>>): ReadonlyMap<string, number> {
  return new Map(Object.entries(units).map(([name, size]) => [name.toLowerCase(), size]))
}
