// Test doubles: valuations that change, and a service that speaks docs/websocket.md.

import type { Delta, Position, UsedQuote, Valuation } from './valuation.ts'

export const symbols = ['A', 'B', 'C', 'D', 'E']

/** valuation returns one that depends only on the numbers. */
export function valuation(second: number, prices: (number | null)[]): Valuation {
  const as_of = new Date(Date.UTC(2026, 0, 2) + second * 1000).toISOString()
  const positions: Position[] = []
  const quotes: UsedQuote[] = []
  prices.forEach((price, i) => {
    const symbol = symbols[i]
    if (price === null || symbol === undefined) return
    const value = price < 0 ? null : String(price)
    positions.push({
      symbol, currency: 'USD', quantity: '1', cost: '1', state: value === null ? 'no_price' : 'priced', value,
      unrealised: value, base_value: value, base_cost: '1', base_unrealised: value, price_effect: value,
      currency_effect: '0', day_change: null,
    })
    if (value !== null) {
      const fresh_until = new Date(Date.parse(as_of) + 60_000).toISOString()
      quotes.push({
        symbol, price: value, currency: 'USD', source: 's', time: as_of, received: as_of, fresh_until,
        age_ms: 0, stale: false,
      })
    }
  })
  const total = String(prices.reduce<number>((sum, p) => sum + Math.max(0, p ?? 0), 0))
  return {
    as_of, base: 'USD', state: 'priced', total, invested: total, cash: '0', base_cost: '0', base_unrealised: total,
    price_effect: total, currency_effect: '0', day_change: null, positions, quotes, cash_positions: [], rates: [],
  }
}

/** diff is what the service sends: everything that differs, as values. */
export function diff(before: Valuation, after: Valuation): Delta {
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
  const { positions, quotes, cash_positions, rates, base: _, ...sums } = after
  return {
    ...sums,
    positions: positions.filter((p) => !before.positions.some((b) => same(b, p))),
    removed: before.positions.filter((b) => !positions.some((p) => p.symbol === b.symbol)).map((b) => b.symbol),
    quotes: quotes.filter(
      (q) => !before.quotes.some((b) => b.symbol === q.symbol && b.time === q.time && b.price === q.price),
    ),
    cash_positions: same(before.cash_positions, cash_positions) ? null : cash_positions,
    rates: same(before.rates, rates) ? null : rates,
  }
}

/** then returns one delta for two that follow each other, as the service merges them. */
export function merged(first: Delta, next: Delta): Delta {
  const changed = new Set(next.positions.map((p) => p.symbol))
  const removed = new Set(next.removed)
  const quoted = new Set(next.quotes.map((q) => q.symbol))
  return {
    ...next,
    positions: [...next.positions, ...first.positions.filter((p) => !changed.has(p.symbol) && !removed.has(p.symbol))],
    removed: [...next.removed, ...first.removed.filter((s) => !changed.has(s) && !removed.has(s))],
    quotes: [...next.quotes, ...first.quotes.filter((q) => !quoted.has(q.symbol) && !removed.has(q.symbol))],
    cash_positions: next.cash_positions ?? first.cash_positions,
    rates: next.rates ?? first.rates,
  }
}

type Handler = ((event: { data: string }) => void) | null

/** FakeSocket is the browser's WebSocket, connected to a FakeService. */
export class FakeSocket {
  static service: FakeService
  readyState = 0
  onopen: (() => void) | null = null
  onmessage: Handler = null
  onclose: (() => void) | null = null
  onerror: (() => void) | null = null
  mute = false // half open: nothing arrives any more, and no end is reported
  readonly subscribed = new Set<string>()

  constructor(readonly url: URL) {
    FakeSocket.service.arrive(this)
  }

  open(): void {
    this.readyState = 1
    this.onopen?.()
  }

  send(text: string): void {
    if (!this.mute) FakeSocket.service.handle(this, JSON.parse(text) as Request)
  }

  receive(message: object): void {
    if (this.readyState === 1 && !this.mute) this.onmessage?.({ data: JSON.stringify(message) })
  }

  /** cut ends the connection, as a lost network does at last. */
  cut(): void {
    if (this.readyState === 3) return
    this.readyState = 3
    this.onclose?.()
  }

  close(): void {
    this.readyState = 3
    FakeSocket.service.sockets.delete(this)
  }
}

interface Request {
  action: string
  portfolio: string
  sequence?: number
}

/** FakeService holds one portfolio. */
export class FakeService {
  readonly sockets = new Set<FakeSocket>()
  history: { sequence: number; valuation: Valuation }[]
  parts = 1 // that a snapshot has
  reachable = true
  requests: Request[] = []
  private loseNext = false
  private delayed: object | null = null

  constructor(first: Valuation) {
    this.history = [{ sequence: 1, valuation: first }]
  }

  get current(): { sequence: number; valuation: Valuation } {
    return this.history[this.history.length - 1] as { sequence: number; valuation: Valuation }
  }

  arrive(socket: FakeSocket): void {
    this.sockets.add(socket)
    setTimeout(() => (this.reachable ? socket.open() : socket.cut()), 20)
  }

  handle(socket: FakeSocket, request: Request): void {
    this.requests.push(request)
    setTimeout(() => this.reply(socket, request), 20)
  }

  private reply(socket: FakeSocket, request: Request): void {
    const { action, portfolio, sequence = 0 } = request
    if (action === 'ping') return socket.receive({ type: 'pong' })
    if (action === 'unsubscribe') {
      socket.subscribed.delete(portfolio)
      return socket.receive({ type: 'unsubscribed', portfolio })
    }
    socket.subscribed.add(portfolio)
    socket.receive({ type: 'subscribed', portfolio })
    if (action === 'resume' && sequence >= this.current.sequence) return
    const from = this.history.find((h) => h.sequence === sequence)
    if (action === 'resume' && from) socket.receive(this.delta(portfolio, from))
    else for (const message of this.snapshot(portfolio)) socket.receive(message)
  }

  /** delta merges all changes since one of the last valuations. */
  private delta(portfolio: string, from: { sequence: number; valuation: Valuation }): object {
    const later = this.history.slice(this.history.indexOf(from))
    const deltas = later.slice(1).map((h, i) => diff((later[i] as typeof from).valuation, h.valuation))
    const all = deltas.reduce(merged)
    return { type: 'delta', portfolio, after: from.sequence, sequence: this.current.sequence, ...all }
  }

  snapshot(portfolio: string): object[] {
    const { sequence, valuation: v } = this.current
    if (this.parts === 1) return [{ type: 'snapshot', portfolio, sequence, valuation: v }]
    const share = <T>(list: T[], i: number) =>
      list.slice(Math.floor((i * list.length) / this.parts), Math.floor(((i + 1) * list.length) / this.parts))
    return Array.from({ length: this.parts }, (_, i) => ({
      type: 'snapshot', portfolio, sequence, part: i + 1, parts: this.parts,
      valuation: {
        ...v, positions: share(v.positions, i), quotes: share(v.quotes, i), cash_positions: share(v.cash_positions, i),
        rates: share(v.rates, i),
      },
    }))
  }

  private broadcast(message: object, portfolio: string): void {
    for (const socket of this.sockets) if (socket.subscribed.has(portfolio)) socket.receive(message)
  }

  /** change makes a new valuation, and sends what changed since one of the last ones. */
  change(portfolio: string, valuation: Valuation, step: number, since = 1): void {
    this.history.push({ sequence: this.current.sequence + step, valuation })
    const from = this.history[Math.max(0, this.history.length - 1 - since)] as { sequence: number; valuation: Valuation }
    const message = this.delta(portfolio, from)
    if (this.loseNext) this.loseNext = false
    else this.broadcast(message, portfolio)
    this.delayed = message
  }

  lose(): void {
    this.loseNext = true
  }

  /** repeat sends the last delta again. */
  repeat(portfolio: string): void {
    if (this.delayed) this.broadcast(this.delayed, portfolio)
  }

  takeOver(): void {
    this.history = [{ ...this.current, sequence: this.current.sequence + 1000 }]
  }

  each(act: (socket: FakeSocket) => void): void {
    for (const socket of [...this.sockets]) act(socket)
  }
}
