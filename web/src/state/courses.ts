// The price of a holding over time, from the portfolio's valuations at the close of days.

import { api, result, type Schemas } from '../api/client.ts'
import { addDays, addMonths, today } from '../text/period.ts'
import type { Portfolio } from './portfolios.svelte.ts'

export interface DayPrice {
  date: string
  value: string | null
}

// A chart of this many points is read from as many valuations, some at a time.
const points = 24
const together = 4

// By portfolio and day. What is known about a past day rarely changes; it is read again
// when the page is loaded again.
const closes = new Map<string, Promise<Schemas['Valuation']>>()
const maxCloses = 500

function close(portfolio: string, date: string): Promise<Schemas['Valuation']> {
  const key = portfolio + date
  let valuation = closes.get(key)
  if (!valuation) {
    if (closes.size >= maxCloses) closes.clear()
    valuation = result(
      api.GET('/v1/portfolios/{portfolio}/valuation', { params: { path: { portfolio }, query: { as_of: date } } }),
    )
    closes.set(key, valuation)
    valuation.catch(() => closes.delete(key))
  }
  return valuation
}

/** courses returns a holding's prices at evenly spaced days of the last months. */
export async function courses(portfolio: Portfolio, symbol: string, months: number): Promise<DayPrice[]> {
  const end = addDays(today(portfolio.time_zone), -1)
  const start = addMonths(end, -months)
  const days = Math.round((Date.parse(end) - Date.parse(start)) / 86_400_000)
  const dates = [...new Set(Array.from({ length: points + 1 }, (_, i) => addDays(start, Math.round((i * days) / points))))]
  const found: DayPrice[] = []
  for (let i = 0; i < dates.length; i += together) {
    const some = dates.slice(i, i + together)
    const valuations = await Promise.all(some.map((date) => close(portfolio.id, date)))
    valuations.forEach((v, k) => {
      const value = v.quotes.find((q) => q.symbol === symbol)?.price ?? null
      found.push({ date: some[k] as string, value })
    })
  }
  return found
}
