import { describe, expect, it } from 'vitest'
import type { Schemas } from '../api/client.ts'
import { perUnit } from './prices.ts'

const price = (time: string, price: string) => ({ date: time.slice(0, 10), price, currency: 'USD', time })
const split = (date: string, fresh: number, old: number, time?: string) =>
  ({ kind: 'SPLIT', date, time, ratio: { new: fresh, old } }) as Schemas['Transaction']

describe('prices per unit', () => {
  const quoted = [price('2026-03-02T20:00:00Z', '300'), price('2026-03-03T20:00:00Z', '150.5'), price('2026-03-05T14:00:00Z', '51')]
  const shown = (timeZone: string, ...splits: Schemas['Transaction'][]) =>
    perUnit(quoted, splits, timeZone).map((p) => p.price)

  it('are as quoted without a split', () => {
    expect(shown('UTC')).toEqual(['300', '150.5', '51'])
  })

  it('are divided by the splits that follow', () => {
    expect(shown('UTC', split('2026-03-03', 2, 1), split('2026-03-04', 3, 1))).toEqual(['50', '50.16666666', '51'])
    expect(shown('UTC', split('2026-03-06', 1, 2))).toEqual(['600', '301', '102'])
  })

  it('are those of the portfolio’s day', () => {
    expect(shown('Australia/Sydney', split('2026-03-03', 2, 1))).toEqual(['300', '150.5', '51'])
    expect(shown('UTC', split('2026-03-05', 2, 1, '14:00:01'))).toEqual(['150', '75.25', '25.5'])
    expect(shown('UTC', split('2026-03-05', 2, 1, '14:00'))).toEqual(['150', '75.25', '51'])
  })
})
