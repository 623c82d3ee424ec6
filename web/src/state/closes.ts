import { api, result, type Schemas } from '../api/client.ts'
import { addDays } from '../text/period.ts'

// The longest history in one answer of the service.
const maxDays = 3_650

/** closes returns a portfolio's values at the close of days, from its first entry at the earliest. */
export async function closes(portfolio: string, from: string, to: string): Promise<Schemas['DayValue'][]> {
  const path = { portfolio }
  const whole = { from: 'inception', to, method: 'time_weighted' as const }
  const inception = await result(
    api.GET('/v1/portfolios/{portfolio}/performance', { params: { path, query: whole } }),
  )
  const first = [from === 'inception' ? inception.from : from, inception.from, addDays(to, -maxDays)].sort().at(-1) ?? to
  if (first > to) return []
  const { items } = await result(
    api.GET('/v1/portfolios/{portfolio}/history', { params: { path, query: { from: first, to } } }),
  )
  return items.filter((item) => 'date' in item)
}

/** moments returns a portfolio's values within a day, every five minutes up to now. */
export async function moments(portfolio: string, date: string): Promise<Schemas['MomentValue'][]> {
  const query = { from: date, to: date, interval: '5m' as const }
  const params = { path: { portfolio }, query }
  const { items } = await result(api.GET('/v1/portfolios/{portfolio}/history', { params }))
  return items.filter((item) => 'time' in item)
}

/** Point is a value on a chart. */
export interface Point {
  x: number // seconds since 1970
  total: string | null
  date?: string // of the value at the close of a day
}

/** slot is the time between two values within a day, in seconds. */
export const slot = 300

/**
 * withinDay returns the close of the day before, the values of the day that the service has, and those that
 * followed live. Live values may be of an earlier day; current reports which are not.
 */
export function withinDay(
  close: { date: string; total: string | null } | undefined,
  moments: { time: string; total: string | null }[],
  live: { seconds: number; total: string }[],
  current: (at: Date) => boolean,
): Point[] {
  const points: Point[] = moments.map((m) => ({ x: Date.parse(m.time) / 1000, total: m.total }))
  const known = points.at(-1)?.x
  for (const { seconds, total } of live) {
    if (known === undefined ? current(new Date(seconds * 1000)) : seconds > known) points.push({ x: seconds, total })
  }
  const [first] = points
  if (!close || !first) return points
  // The day began with the first five minutes.
  const start = Math.ceil(first.x / slot - 1) * slot
  return [{ x: start, total: close.total, date: close.date }, ...points]
}
