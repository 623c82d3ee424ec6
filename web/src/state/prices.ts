// The price of a symbol over time.

import { api, result, type Schemas } from '../api/client.ts'
import { divide, multiply } from '../text/decimal.ts'
import { addMonths, clockIn, today } from '../text/period.ts'

export type DayPrice = Schemas['DayPrice']

// Digits after the point of a price that a split has divided.
const digits = 8

/** prices returns a symbol's last price of each day (UTC) of the last months, as they were quoted. */
export async function prices(symbol: string, months: number): Promise<DayPrice[]> {
  const to = today('UTC')
  const params = { path: { symbol }, query: { from: addMonths(to, -months), to } }
  return (await result(api.GET('/v1/quotes/{symbol}/history', { params }))).items
}

/** perUnit returns prices for a unit of today: those from before a split are divided by its ratio. */
export function perUnit(prices: DayPrice[], transactions: Schemas['Transaction'][], timeZone: string): DayPrice[] {
  const splits = transactions.filter((t) => t.kind === 'SPLIT')
  if (splits.length === 0) return prices
  const clock = clockIn(timeZone)
  return prices.map((p) => {
    const at = clock(new Date(p.time))
    let price = p.price
    for (const { date, time, ratio } of splits) {
      if (!ratio || at >= `${date} ${time ?? '00:00'}`) continue
      price = divide(multiply(price, `${ratio.old}`), `${ratio.new}`, digits) ?? price
    }
    return { ...p, price }
  })
}
