// The live valuation of the portfolio that is shown.

import { api, Problem, result } from '../api/client.ts'
import { Ended, LiveClient, type State } from '../live/client.ts'
import type { Valuation } from '../live/valuation.ts'
import { retryUnanswered } from './resource.svelte.ts'
import { session } from './session.svelte.ts'

export interface Point {
  seconds: number
  total: string
}

// The day's values that the page has seen; more would not be visible.
const maxPoints = 2_000

// Pictures and sums over all positions follow at most this often. Milliseconds.
const sampleEvery = 1_000
// The clocks of service and machine are compared again when they differ by more than this.
const drift = 1_000

class Live {
  connection = $state<State>('connecting')
  valuation = $state.raw<Valuation | null>(null)
  /** The valuation, renewed at most once a second, for what takes long to compute or to draw. */
  sampled = $state.raw<Valuation | null>(null)
  /** Grows when holdings or cash change, that is, when transactions did. */
  changes = $state(0)
  gone = $state(false)
  points = $state.raw<Point[]>([])

  /** How far the service's clock is ahead of this machine's, in milliseconds. */
  ahead = $state(0)
  private client: LiveClient | null = null
  private unwatch: () => void = () => {}
  private portfolio = ''
  private latest: Valuation | null = null
  private scheduled = false
  private sampling: ReturnType<typeof setTimeout> | undefined

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
      onState: (state) => {
        this.connection = state
        if (state === 'live') retryUnanswered()
      },
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
    this.valuation = this.latest = this.sampled = null
    clearTimeout(this.sampling)
    this.sampling = undefined
    this.gone = false
    this.points = []
  }

  /** take shows the latest valuation with the next frame. No frame is drawn in a hidden tab, which catches up later. */
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
    if (this.valuation && !sameLedger(this.valuation, valuation)) this.changes++
    this.valuation = valuation
    const ahead = Date.parse(valuation.as_of) - Date.now()
    if (Math.abs(ahead - this.ahead) > drift) this.ahead = ahead
    this.record(valuation)
    this.sample()
  }

  private sample(): void {
    if (this.sampling !== undefined) return
    this.sampled = this.valuation
    this.sampling = setTimeout(() => {
      this.sampling = undefined
      if (this.sampled !== this.valuation) this.sample()
    }, sampleEvery)
  }

  private record(valuation: Valuation): void {
    const seconds = Math.floor(Date.parse(valuation.as_of) / 1000)
    const last = this.points.at(-1)
    if (valuation.total === null || (last && seconds <= last.seconds)) return
    this.points = [...this.points.slice(-maxPoints + 1), { seconds, total: valuation.total }]
  }

  /** age returns how old a price is now; the service's clock and this machine's may differ. */
  age(time: string, now: number): number {
    return now + this.ahead - Date.parse(time)
  }
}

/** sameLedger reports whether two valuations are of the same holdings and cash. */
function sameLedger(a: Valuation, b: Valuation): boolean {
  const [positions, cash] = [b.positions, b.cash_positions]
  if (a.positions.length !== positions.length || a.cash_positions.length !== cash.length) return false
  // What a delta leaves as it is stays the same object. Both lists are in order.
  const samePositions = a.positions.every((p, i) => {
    const q = positions[i]
    return p === q || (p.symbol === q?.symbol && p.quantity === q.quantity && p.cost === q.cost)
  })
  return samePositions && a.cash_positions.every((c, i) => c.currency === cash[i]?.currency && c.amount === cash[i].amount)
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
