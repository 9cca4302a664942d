/** RFC 9051 §9: date and date-time. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

const DATE = /^(\d{1,2})-([a-z]{3})-(\d{4})$/i
// A day of one digit without the space before it is common, and cannot be mistaken.
const DATE_TIME = /^((?: \d|\d{1,2})-[a-z]{3}-\d{4}) (\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})$/i

const DAY = 86_400_000
const MINUTE = 60_000

/** ms since 1970 of the midnight (UTC) of `1-Feb-1994`; undefined: no such day. */
export function parseDay(text: string): number | undefined {
  const [, day, name = '', year] = DATE.exec(text) ?? []
  const month = MONTHS.findIndex(month => month.toLowerCase() === name.toLowerCase())
  if (month === -1) return undefined
  const date = new Date(0)
  date.setUTCFullYear(Number(year), month, Number(day))
  return date.getUTCMonth() === month && Number(day) > 0 ? date.getTime() : undefined
}

/** ms since 1970 of `17-Jul-1996 02:44:25 -0700`, without quotes; undefined: no such time. */
export function parseDateTime(text: string): number | undefined {
  const [, date = '', hour, minute, second, sign, zoneHours, zoneMinutes] = DATE_TIME.exec(text) ?? []
  const day = parseDay(date.trimStart())
  if (day === undefined) return undefined
  // RFC 5322 §3.3: a second may be a leap second, the zone's last two digits are 00 to 59.
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined
  if (Number(zoneHours) > 23 || Number(zoneMinutes) > 59) return undefined
  const zone = (Number(zoneHours) * 60 + Number(zoneMinutes)) * (sign === '-' ? -1 : 1)
  return day + (Number(hour) * 60 + Number(minute) - zone) * MINUTE + Number(second) * 1000
}

/** `1-Feb-1994`, of ms since 1970. */
export function formatDay(ms: number): string {
  const date = new Date(Math.floor(ms / DAY) * DAY)
  return `${date.getUTCDate()}-${MONTHS[date.getUTCMonth()]}-${padded(date.getUTCFullYear(), 4)}`
}

/** `17-Jul-1996 09:44:25 +0000`, without quotes, of ms since 1970. RFC 9051 §9: a day of one digit has a space before it. */
export function formatDateTime(ms: number): string {
  const date = new Date(ms)
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(part => padded(part, 2)).join(':')
  return `${formatDay(ms).padStart(11)} ${time} +0000`
}

function padded(number: number, digits: number): string {
  return String(number).padStart(digits, '0')
}
