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
