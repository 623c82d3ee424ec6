import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diff, merged, valuation } from './testing.ts'
import { apply, join, type Delta, type Valuation } from './valuation.ts'

interface Series {
  valuations: Valuation[]
  deltas: Delta[]
}

// Written by the Go tests of the service.
const fixture = new URL('../../../backend/push/testdata/deltas.json', import.meta.url)
const series = JSON.parse(readFileSync(fixture, 'utf8')) as Series[]

const prices = fc.array(fc.option(fc.integer({ min: -1, max: 50 })), { minLength: 5, maxLength: 5 })

describe('apply', () => {
  it('returns the service’s valuations from its deltas', () => {
    expect(series.length).toBeGreaterThan(3)
    for (const { valuations, deltas } of series) {
      deltas.forEach((delta, i) => expect(apply(valuations[i] as Valuation, delta)).toEqual(valuations[i + 1]))
    }
  })

  it('keeps the objects of positions that stayed', () => {
    const before = valuation(1, [1, 2])
    const after = apply(before, diff(before, valuation(2, [1, 3])))
    expect(after.positions[0]).toBe(before.positions[0])
    expect(after.positions[1]).not.toBe(before.positions[1])
  })

  it('knows until when a price is fresh', () => {
    const before = valuation(0, [1, 2])
    const [a, b] = before.quotes
    if (!a || !b) throw new Error('no quotes')
    b.fresh_until = '2026-01-02T05:00:00Z'
    const delta = { ...diff(before, before), as_of: '2026-01-02T00:01:00.000000001Z' }
    const after = apply(before, delta)
    expect(after.quotes.map((q) => [q.age_ms, q.stale])).toEqual([
      [60_000, true],
      [60_000, false],
    ])
    expect(apply(before, { ...delta, as_of: '2026-01-02T00:01:00Z' }).quotes[0]?.stale).toBe(false)
  })

  it('accepts a delta that starts before the client’s number', () => {
    fc.assert(
      fc.property(prices, prices, prices, (x, y, z) => {
        const [first, second, third] = [valuation(1, x), valuation(2, y), valuation(3, z)]
        const both = merged(diff(first, second), diff(second, third))
        expect(apply(second, both)).toEqual(third)
        expect(apply(first, both)).toEqual(third)
      }),
    )
  })
})

it('join puts lists together in the order of the parts', () => {
  const whole = valuation(1, [1, 2, 3])
  const part = (i: number) => ({ ...whole, positions: whole.positions.slice(i, i + 1), quotes: whole.quotes.slice(i, i + 1) })
  expect(join([part(0), part(1), part(2)])).toEqual(whole)
  expect(() => join([])).toThrow('got no part')
})
