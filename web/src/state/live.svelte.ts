// The live valuation of the portfolio that is shown.

import { api, Problem, result } from '../api/client.ts'
import { Ended, LiveClient, type State } from '../live/client.ts'
import type { Valuation } from '../live/valuation.ts'
import { session } from './session.svelte.ts'

export interface Point {
  seconds: number
  total: string
}

// The day's values that the page has seen; more would not be visible.
const maxPoints = 2_000

class Live {
  connection = $state<State>('connecting')
  valuation = $state.raw<Valuation | null>(null)
  /** When the valuation arrived, by this machine's clock. */
  arrived = $state(0)
  /** Grows when holdings or cash change, that is, when transactions did. */
  changes = $state(0)
  gone = $state(false)
  points = $state.raw<Point[]>([])

  private client: LiveClient | null = null
  private unwatch: () => void = () => {}
  private portfolio = ''
  private latest: Valuation | null = null
  private scheduled = false
  private ledger = ''

  start(): void {
    this.client ??= new LiveClient({
      ticket: async (signal) => {
        try {
          return await result(api.POST('/v1/ws-tickets', { signal }))
        } catch (error) {
          if (error instanceof Problem && error.code === 'unauthenticated') throw new Ended()
          throw error
        }
      },
      onState: (state) => (this.connection = state),
      onEnded: () => session.end('Your session has ended: the key was revoked or has expired. Sign in again.'),
    })
    this.connection = this.client.state
  }

  stop(): void {
    this.unwatch()
    this.unwatch = () => {}
    this.client?.close()
    this.client = null
    this.portfolio = ''
    this.forget()
  }

  follow(portfolio: string): void {
    if (portfolio === this.portfolio || !this.client) return
    this.unwatch()
    this.forget()
    this.portfolio = portfolio
    if (!portfolio) return
    this.unwatch = this.client.watch(portfolio, {
      onValuation: (valuation) => this.take(valuation),
      onGone: () => (this.gone = true),
    })
  }

  private forget(): void {
    this.valuation = this.latest = null
    this.ledger = ''
    this.gone = false
    this.points = []
  }

  /** take shows the latest valuation with the next frame. No frame is drawn in a hidden tab, which catches up at once. */
  private take(valuation: Valuation): void {
    this.latest = valuation
    if (this.scheduled) return
    this.scheduled = true
    requestAnimationFrame(() => {
      this.scheduled = false
      if (this.latest) this.show(this.latest)
    })
  }

  private show(valuation: Valuation): void {
    this.valuation = valuation
    this.arrived = Date.now()
    const ledger = JSON.stringify([
      valuation.positions.map((p) => [p.symbol, p.quantity, p.cost]),
      valuation.cash_positions.map((c) => [c.currency, c.amount]),
    ])
    if (this.ledger && ledger !== this.ledger) this.changes++
    this.ledger = ledger
    this.record(valuation)
  }

  private record(valuation: Valuation): void {
    const seconds = Math.floor(Date.parse(valuation.as_of) / 1000)
    const last = this.points.at(-1)
    if (valuation.total === null || (last && seconds <= last.seconds)) return
    this.points = [...this.points.slice(-maxPoints + 1), { seconds, total: valuation.total }]
  }

  /** age returns how old a price is now; the service's clock and this machine's may differ. */
  age(time: string, now: number): number {
    if (!this.valuation) return 0
    return Date.parse(this.valuation.as_of) - Date.parse(time) + Math.max(0, now - this.arrived)
  }
}

export const live = new Live()

/** clock is the time, renewed every second while the page is visible. */
class Clock {
  now = $state(Date.now())

  constructor() {
    setInterval(() => {
      if (document.visibilityState === 'visible') this.now = Date.now()
    }, 1000)
  }
}

export const clock = new Clock()
