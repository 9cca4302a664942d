/** RFC 5322 §3.3: the date-time of Date, Received and the reports. */

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** RFC 5322 §4.3: obs-zone, in hours; every other name means that the zone is unknown, as -0000 does. */
const OBSOLETE_ZONES = new Map([
  ['EST', -5],
  ['EDT', -4],
  ['CST', -6],
  ['CDT', -5],
  ['MST', -7],
  ['MDT', -6],
  ['PST', -8],
  ['PDT', -7],
])

/** Characters; a longer text is no date. */
const MAX_DATE = 256

const DATE_TIME =
  /^(?:[a-z]{3} ?, ?)?(\d{1,2}) ?([a-z]{3}) ?(\d{2,6}) (\d{1,2}) ?: ?(\d{2})(?: ?: ?(\d{2}))?(?: ?([+-]\d{4}|[a-z]+))?$/i

let lastSecond = Number.NaN
let lastOffset = Number.NaN
let lastText = ''

/**
 * 'Thu, 13 Feb 2025 10:00:00 +0000' for ms since 1970, in a zone that many minutes east of UTC. The text of the last
 * second is kept, because a busy server says the same one thousands of times. Throws for a year that has not four digits.
 */
export function formatDate(ms: number, offsetMinutes = 0): string {
  const second = Math.floor(ms / 1000)
  if (second === lastSecond && offsetMinutes === lastOffset) return lastText
  lastText = dateText(new Date(second * 1000 + offsetMinutes * 60_000), offsetMinutes)
  lastSecond = second
  lastOffset = offsetMinutes
  return lastText
}

function dateText(local: Date, offsetMinutes: number): string {
  const year = local.getUTCFullYear()
  // RFC 5322 §3.3: year = 4*DIGIT
  if (!(year >= 1000 && year <= 9999)) throw new RangeError(`no date of a message: ${local.getTime()} ms`)
  const day = `${DAYS[local.getUTCDay()]}, ${local.getUTCDate()} ${MONTHS[local.getUTCMonth()]} ${year}`
  const time = [local.getUTCHours(), local.getUTCMinutes(), local.getUTCSeconds()].map(twoDigits).join(':')
  const zone = Math.abs(offsetMinutes)
  return `${day} ${time} ${offsetMinutes < 0 ? '-' : '+'}${twoDigits(Math.floor(zone / 60))}${twoDigits(zone % 60)}`
}

function twoDigits(number: number): string {
  return number < 10 ? `0${number}` : String(number)
}

/**
 * A date-time in ms since 1970, with comments, two-digit years and the zone names of RFC 5322 §4.3. A missing zone is taken
 * for an unknown one (UTC), a day of the week that does not fit is overlooked. undefined: not a date.
 */
export function parseDate(text: string): number | undefined {
  const read = readDate(text)
  return read && read.local - read.offset * 60_000
}

/** As the clock and the calendar showed it where it was written: what `parseDate` answers, but as if its zone were UTC. */
export function parseLocalDate(text: string): number | undefined {
  return readDate(text)?.local
}

function readDate(text: string): { readonly local: number; readonly offset: number } | undefined {
  if (text.length > MAX_DATE) return undefined
  const plain = withoutComments(text)
    ?.replace(/[ \t\r\n]+/g, ' ')
    .trim()
  const match = plain === undefined ? null : DATE_TIME.exec(plain)
  if (match === null) return undefined
  const [, day, monthName = '', yearText = '', hour, minute, second = '0', zone = '-0000'] = match
  const month = MONTHS.findIndex(name => name.toLowerCase() === monthName.toLowerCase())
  const offset = zoneMinutes(zone)
  if (month === -1 || offset === undefined) return undefined
  const local = utc(fullYear(yearText), month, Number(day), Number(hour), Number(minute), Number(second))
  return local === undefined ? undefined : { local, offset }
}

/** RFC 5322 §4.3: two digits are 2000 to 2049 and 1950 to 1999, three digits count from 1900. */
function fullYear(text: string): number {
  const year = Number(text)
  if (text.length === 2) return year < 50 ? 2000 + year : 1900 + year
  return text.length === 3 ? 1900 + year : year
}

function utc(year: number, month: number, day: number, hour: number, minute: number, second: number) {
  // RFC 5322 §3.3: a year is 1900 or later, a second may be a leap second.
  if (year < 1900 || year > 9999 || hour > 23 || minute > 59 || second > 60) return undefined
  const midnight = Date.UTC(year, month, day)
  return new Date(midnight).getUTCDate() === day ? midnight + ((hour * 60 + minute) * 60 + second) * 1000 : undefined
}

/** Minutes east of UTC. */
function zoneMinutes(zone: string): number | undefined {
  const sign = zone[0]
  if (sign !== '+' && sign !== '-') return (OBSOLETE_ZONES.get(zone.toUpperCase()) ?? 0) * 60
  const minutes = Number(zone.slice(3))
  if (minutes > 59) return undefined // RFC 5322 §3.3: the zone's last two digits are 00 to 59
  return (Number(zone.slice(1, 3)) * 60 + minutes) * (sign === '-' ? -1 : 1)
}

/** RFC 5322 §3.2.2: comments nest, and a backslash takes the meaning from what follows. undefined: one is not closed. */
function withoutComments(text: string): string | undefined {
  if (!text.includes('(')) return text
  let plain = ''
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    if (character === '(') depth++
    else if (depth === 0) plain += character
    else if (character === '\\') at++
    else if (character === ')' && --depth === 0) plain += ' '
  }
  return depth === 0 ? plain : undefined
}
