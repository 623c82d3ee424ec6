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
  const query = { from: first, to }
  return (await result(api.GET('/v1/portfolios/{portfolio}/history', { params: { path, query } }))).items
}
