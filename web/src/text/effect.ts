// What differs between what is held before and after a change.

import { compare } from './decimal.ts'

export interface Effect {
  what: string
  before: string
  after: string
  currency: string // '' for units
}

interface Held {
  holdings: { symbol: string; quantity: string; cost: string; currency: string; realised?: string }[]
  cash: Record<string, string>
}

/** effects lists what a change does to holdings and cash. */
export function effects(before: Held, after: Held): Effect[] {
  const list: Effect[] = []
  const differ = (what: string, x: string | undefined, y: string | undefined, currency: string) => {
    if (compare(x ?? '0', y ?? '0') !== 0) list.push({ what, before: x ?? '0', after: y ?? '0', currency })
  }
  const [was, will] = [bySymbol(before), bySymbol(after)]
  for (const symbol of [...new Set([...was.keys(), ...will.keys()])].sort()) {
    const [x, y] = [was.get(symbol), will.get(symbol)]
    const currency = y?.currency ?? x?.currency ?? ''
    differ(`${symbol}, units`, x?.quantity, y?.quantity, '')
    differ(`${symbol}, cost`, x?.cost, y?.cost, currency)
    if (x?.realised !== undefined || y?.realised !== undefined) {
      differ(`${symbol}, realised gain`, x?.realised, y?.realised, currency)
    }
  }
  for (const currency of [...new Set([...Object.keys(before.cash), ...Object.keys(after.cash)])].sort()) {
    differ(`Cash ${currency}`, before.cash[currency], after.cash[currency], currency)
  }
  return list
}

function bySymbol(held: Held): Map<string, Held['holdings'][number]> {
  return new Map(held.holdings.map((h) => [h.symbol, h]))
}
