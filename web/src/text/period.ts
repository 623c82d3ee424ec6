// Days as the API has them, YYYY-MM-DD.

export const periods = ['1D', '1W', '1M', 'YTD', '1Y', 'Max'] as const
export type Period = (typeof periods)[number]

export const periodWord: Record<Period, string> = {
  '1D': 'today',
  '1W': 'in one week',
  '1M': 'in one month',
  YTD: 'since the start of the year',
  '1Y': 'in one year',
  Max: 'since inception',
}

/** today returns the day that it is in a time zone. */
export function today(timeZone: string, now = new Date()): string {
  const parts = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
  return parts.format(now)
}

/** clockIn returns a function that writes moments in a time zone as YYYY-MM-DD HH:MM:SS, which compare as text. */
export function clockIn(timeZone: string): (moment: Date) => string {
  const format = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', timeZone })
  return (moment) => format.format(moment)
}

export function addDays(date: string, days: number): string {
  const at = new Date(date + 'T00:00:00Z')
  at.setUTCDate(at.getUTCDate() + days)
  return at.toISOString().slice(0, 10)
}

/** addMonths returns the same day of another month, or its last day where that is earlier. */
export function addMonths(date: string, months: number): string {
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number)
  const first = new Date(Date.UTC(year, month - 1 + months, 1))
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate()
  first.setUTCDate(Math.min(day, last))
  return first.toISOString().slice(0, 10)
}

/** startOf returns the first day of a period that ends on a day, or inception. */
export function startOf(period: Period, end: string): string {
  switch (period) {
    case '1D':
      return addDays(end, -1)
    case '1W':
      return addDays(end, -7)
    case '1M':
      return addMonths(end, -1)
    case 'YTD':
      return `${Number(end.slice(0, 4)) - 1}-12-31`
    case '1Y':
      return addMonths(end, -12)
    case 'Max':
      return 'inception'
  }
}

/** seconds returns the close of a day in UTC, for the axis of a chart. */
export function seconds(date: string): number {
  return Date.parse(date + 'T00:00:00Z') / 1000
}
