/** How sizes, times and numbers are said to people. */

const KIB = 1024

/** '812 B', '1.2 KB', '25 MB'. */
export function sizeText(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`
  let amount = bytes
  for (const unit of ['KB', 'MB', 'GB']) {
    amount /= KIB
    if (amount < 999.5) return `${amount < 9.95 ? amount.toFixed(1) : Math.round(amount)} ${unit}`
  }
  return `${Math.round(amount / KIB)} TB`
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const

/** The largest whole unit: '3 d', '5 h', '12 min', '7 s'; below a second 'now'. */
export function spanText(ms: number): string {
  for (const [name, size] of UNITS) if (ms >= size) return `${Math.floor(ms / size)} ${name}`
  return 'now'
}

const two = (number: number): string => String(number).padStart(2, '0')

/** '2026-07-01', in the time zone of the person. */
export function dayText(ms: number): string {
  const date = new Date(ms)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** '14:03:22' */
export function clockText(ms: number): string {
  const date = new Date(ms)
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** '2026-07-01 14:03:22' */
export function timeText(ms: number): string {
  return `${dayText(ms)} ${clockText(ms)}`
}

/** In a column: the time of today, or the day and the minute. */
export function whenText(ms: number, now: number): string {
  return dayText(ms) === dayText(now) ? clockText(ms) : timeText(ms).slice(0, -3)
}

/** For programs: RFC 3339, UTC. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

/** '1 message', '3 messages'. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`
}

export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, undefined, 2))
}
