// Names and classes of what is held. A valuation has the names; what it does not have is
// asked for once.

import { api, Problem, result, type Schemas } from '../api/client.ts'

type Instrument = Schemas['Instrument']

const classWord: Record<Instrument['asset_class'], string> = {
  '': 'Class not known',
  bond: 'Bonds',
  commodity: 'Commodities',
  crypto: 'Crypto-assets',
  currency: 'Currencies',
  derivative: 'Derivatives',
  equity: 'Shares',
  etf: 'ETFs',
  fund: 'Funds',
  other: 'Other',
}

const maxAsked = 200 // by one call
const retryAfter = 30_000 // milliseconds

class Instruments {
  /** What is known of symbols that were asked for; null of those without a record. */
  private known = $state.raw(new Map<string, Instrument | null>())
  private asking = false
  private notBefore = 0

  name(symbol: string): string {
    return this.known.get(symbol)?.name || symbol
  }

  class(symbol: string): string {
    return classWord[this.known.get(symbol)?.asset_class ?? '']
  }

  /** want makes sure that symbols are asked for. Until the answer is here, they are their own names. */
  async want(symbols: string[]): Promise<void> {
    if (this.asking || Date.now() < this.notBefore) return
    const missing = symbols.filter((s) => !this.known.has(s)).slice(0, maxAsked)
    if (missing.length === 0) return
    this.asking = true
    try {
      const query = { symbols: missing.join(',') }
      const { items } = await result(api.GET('/v1/instruments', { params: { query } }))
      const found = new Map(items.map((i) => [i.symbol, i]))
      this.known = new Map([...this.known, ...missing.map((s) => [s, found.get(s) ?? null] as const)])
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      this.notBefore = Date.now() + retryAfter
    } finally {
      this.asking = false
    }
    void this.want(symbols)
  }

  forget(): void {
    this.known = new Map()
    this.notBefore = 0
  }
}

export const instruments = new Instruments()
