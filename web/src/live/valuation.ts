// The rules of docs/websocket.md for a valuation.

import type { components } from '../api/schema.d.ts'

type Schemas = components['schemas']
export type Valuation = Schemas['Valuation']
export type Position = Schemas['Position']
export type UsedQuote = Schemas['UsedQuote']
export type UsedRate = Schemas['UsedRate']

type Lists = 'positions' | 'cash_positions' | 'quotes' | 'rates'

/** Delta is what changed from one valuation to a later one: values, not differences. */
export interface Delta extends Omit<Valuation, Lists | 'base'> {
  positions: Position[]
  removed: string[]
  cash_positions: Valuation['cash_positions'] | null // null where none changed
  quotes: UsedQuote[]
  rates: UsedRate[] | null // null where none changed
}

// How long after its time a price without fresh_until is stale.
const staleAfter = 60_000_000_000n // nanoseconds

/** apply returns the valuation after a delta. It changes neither argument. */
export function apply(before: Valuation, delta: Delta): Valuation {
  const removed = new Set(delta.removed)
  const positions = merge(before.positions, delta.positions, removed)
  const quoted = new Set(positions.filter((p) => p.state !== 'no_price' && p.state !== 'estimated').map((p) => p.symbol))
  const quotes = merge(before.quotes, delta.quotes, removed).filter((q) => quoted.has(q.symbol))
  return {
    as_of: delta.as_of,
    base: before.base,
    state: delta.state,
    total: delta.total,
    invested: delta.invested,
    cash: delta.cash,
    base_cost: delta.base_cost,
    base_unrealised: delta.base_unrealised,
    price_effect: delta.price_effect,
    currency_effect: delta.currency_effect,
    day_change: delta.day_change,
    positions,
    cash_positions: delta.cash_positions ?? before.cash_positions,
    quotes: quotes.map((q) => aged(q, delta.as_of)),
    rates: (delta.rates ?? before.rates).map((r) => aged(r, delta.as_of)),
  }
}

/** merge replaces or adds items by symbol; what stays is the same object. */
function merge<T extends { symbol: string }>(before: T[], changed: T[], removed: Set<string>): T[] {
  const all = new Map<string, T>()
  for (const item of before) if (!removed.has(item.symbol)) all.set(item.symbol, item)
  for (const item of changed) all.set(item.symbol, item)
  return [...all.values()].sort((a, b) => (a.symbol < b.symbol ? -1 : a.symbol > b.symbol ? 1 : 0))
}

interface Price {
  time: string
  fresh_until?: string
  age_ms: number
  stale: boolean
}

/** aged returns a price with the age that it has at a time. */
function aged<T extends Price>(price: T, asOf: string): T {
  const [now, time] = [nanoseconds(asOf), nanoseconds(price.time)]
  const staleFrom = price.fresh_until ? nanoseconds(price.fresh_until) : time + staleAfter
  return { ...price, age_ms: now > time ? Number((now - time) / 1_000_000n) : 0, stale: now > staleFrom }
}

// Most prices of a valuation are in the next one as well.
const parsed = new Map<string, bigint>()
const maxParsed = 2_000

function nanoseconds(time: string): bigint {
  let known = parsed.get(time)
  if (known === undefined) {
    if (parsed.size >= maxParsed) parsed.clear()
    parsed.set(time, (known = parse(time)))
  }
  return known
}

/** parse returns a UTC time of the API, which is finer than a Date, in nanoseconds since 1970. */
function parse(time: string): bigint {
  const fraction = /\.([0-9]+)Z$/.exec(time)?.[1] ?? ''
  const seconds = Date.parse(time.replace(/\.[0-9]+Z$/, 'Z')) / 1000
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9))
}

/** join puts the parts of a snapshot together; each holds a share of every list. */
export function join(parts: Valuation[]): Valuation {
  const [first] = parts
  if (!first) throw new RangeError('got no part, want at least one')
  return {
    ...first,
    positions: parts.flatMap((p) => p.positions),
    cash_positions: parts.flatMap((p) => p.cash_positions),
    quotes: parts.flatMap((p) => p.quotes),
    rates: parts.flatMap((p) => p.rates),
  }
}
