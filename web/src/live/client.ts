// A client of the platform's WebSocket for any page: it keeps the valuations of the
// portfolios it watches current, over lost connections, API Gateway's two-hour limit, a
// sleeping machine and changes of the network. docs/websocket.md describes the protocol.

import { Follower, type DeltaMessage, type Snapshot } from './follower.ts'
import type { Valuation } from './valuation.ts'

/**
 * State of a client. 'live': every watched portfolio is current. 'connecting': the first
 * attempt. 'reconnecting': the connection was lost. 'offline': the machine has no network.
 * 'ended': the key or the session has ended, or the client was closed.
 */
export type State = 'connecting' | 'live' | 'reconnecting' | 'offline' | 'ended'

export interface Ticket {
  url: string
  ticket: string
}

export interface Options {
  /** Requests a ticket. A rejection with an Ended ends the client; others are tried again. */
  ticket: (signal: AbortSignal) => Promise<Ticket>
  onState?: (state: State) => void
  /** Called when the service reports that the key or the session has ended. */
  onEnded?: () => void
  /** Called with an error that the service reported about a message. */
  onError?: (code: string, message: string) => void
}

export interface Watcher {
  onValuation: (valuation: Valuation, sequence: number) => void
  /** The portfolio was deleted or never existed. */
  onGone?: () => void
}

/** Ended is the rejection of Options.ticket where the key or the session has ended. */
export class Ended extends Error {}

interface Watched extends Watcher {
  follower: Follower
  current: boolean // the service has confirmed that this connection follows it
  behind: boolean // a resume is on its way
}

// Milliseconds. A ping is sent where nothing was received for pingAfter; if nothing is
// received within pongWithin, the connection is lost.
const pingAfter = 25_000
const pongWithin = 8_000
const probeWithin = 4_000 // after a sleep or a change of the network
const connectWithin = 15_000
const beat = 1_000
const overslept = 10_000 // a beat that is later than this: the machine slept, or the tab was frozen
const firstDelay = 500
const maxDelay = 30_000
const unauthorized = 'unauthorized'

/** backoff returns how long to wait before an attempt, the n-th since the last success. */
export function backoff(n: number, random: () => number = Math.random): number {
  const limit = Math.min(maxDelay, firstDelay * 2 ** n)
  return limit / 2 + (random() * limit) / 2
}

export class LiveClient {
  state: State = 'connecting'
  private readonly watched = new Map<string, Watched>()
  private socket: WebSocket | null = null // in use
  private next: WebSocket | null = null // being opened
  private attempt: AbortController | null = null
  private failures = 0
  private received = 0 // time of the last message
  private deadline = Infinity // time by which a message must have been received
  private openBy = Infinity
  private retryAt = Infinity
  private lastBeat = Date.now()
  private readonly timer: ReturnType<typeof setInterval>
  private readonly options: Options
  private readonly events: [EventTarget, string, () => void][] = []

  constructor(options: Options) {
    this.options = options
    this.timer = setInterval(() => this.beat(), beat)
    if (typeof window !== 'undefined') {
      this.listen(window, 'online', () => this.probe())
      this.listen(window, 'offline', () => this.probe())
      this.listen(window, 'pageshow', () => this.probe())
      this.listen(document, 'visibilitychange', () => document.visibilityState === 'visible' && this.probe())
      const network = (navigator as Navigator & { connection?: EventTarget }).connection
      if (network) this.listen(network, 'change', () => this.probe())
    }
    void this.connect()
  }

  /** watch follows a portfolio until the returned function is called. One watcher each. */
  watch(portfolio: string, watcher: Watcher): () => void {
    const watched: Watched = { ...watcher, follower: new Follower(), current: false, behind: false }
    this.watched.set(portfolio, watched)
    this.send(this.socket, watched.follower.request(portfolio))
    this.settle()
    return () => {
      if (this.watched.get(portfolio) !== watched) return
      this.watched.delete(portfolio)
      this.send(this.socket, { action: 'unsubscribe', portfolio })
      this.settle()
    }
  }

  /** sequence returns the number of a portfolio's valuation. */
  sequence(portfolio: string): number | null {
    return this.watched.get(portfolio)?.follower.sequence ?? null
  }

  close(): void {
    this.enter('ended')
    clearInterval(this.timer)
    for (const [target, name, handler] of this.events) target.removeEventListener(name, handler)
    this.attempt?.abort()
    this.discard(this.socket)
    this.discard(this.next)
    this.socket = this.next = null
  }

  private listen(target: EventTarget, name: string, handler: () => void): void {
    target.addEventListener(name, handler)
    this.events.push([target, name, handler])
  }

  /** connect opens a connection; the old one, if there is one, serves until then. */
  private async connect(): Promise<void> {
    this.retryAt = Infinity
    this.attempt?.abort()
    const attempt = (this.attempt = new AbortController())
    this.openBy = Date.now() + connectWithin
    try {
      const { url, ticket } = await this.options.ticket(attempt.signal)
      if (attempt.signal.aborted || this.state === 'ended') return
      const address = new URL(url)
      address.searchParams.set('ticket', ticket)
      this.open(new WebSocket(address))
    } catch (error) {
      if (attempt.signal.aborted || this.state === 'ended') return
      if (error instanceof Ended) this.end()
      else this.retry()
    }
  }

  private open(socket: WebSocket): void {
    this.discard(this.next)
    this.next = socket
    socket.onopen = () => {
      const old = this.socket
      this.next = null
      this.socket = socket
      this.openBy = Infinity
      this.received = Date.now()
      this.deadline = Infinity
      for (const [portfolio, watched] of this.watched) {
        watched.current = watched.behind = false
        this.send(socket, watched.follower.request(portfolio))
      }
      this.discard(old)
      this.settle()
    }
    socket.onmessage = (event) => this.receive(event.data)
    socket.onclose = socket.onerror = () => this.lost(socket)
  }

  /** lost deals with a connection that has ended, whichever it is. */
  private lost(socket: WebSocket): void {
    this.discard(socket)
    if (this.state === 'ended') return
    if (socket === this.socket) {
      this.socket = null
      this.deadline = Infinity
      if (this.openBy < Infinity || this.retryAt < Infinity) this.settle()
      else this.retry()
    } else if (socket === this.next) {
      this.next = null
      this.retry()
    }
  }

  private retry(): void {
    this.openBy = Infinity
    this.retryAt = Date.now() + backoff(this.failures++)
    this.settle()
  }

  private discard(socket: WebSocket | null): void {
    if (!socket) return
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null
    socket.close()
  }

  private receive(text: unknown): void {
    this.received = Date.now()
    this.deadline = Infinity
    const message = parse(text)
    if (!message) return
    const watched = this.watched.get(message.portfolio ?? '')
    switch (message.type) {
      case 'snapshot':
        if (watched) this.publish(watched, watched.follower.snapshot(message as unknown as Snapshot), message.portfolio)
        break
      case 'delta':
        if (watched) this.publish(watched, watched.follower.delta(message as unknown as DeltaMessage), message.portfolio)
        break
      case 'subscribed':
        if (watched) {
          watched.current = true
          watched.behind = false
          this.settle()
        }
        break
      case 'reconnect':
        void this.connect()
        break
      case 'error':
        this.refused(message, watched)
    }
  }

  private publish(watched: Watched, outcome: string, portfolio = ''): void {
    const { sequence, valuation } = watched.follower
    if (outcome === 'changed' && valuation && sequence !== null) {
      watched.onValuation(valuation, sequence)
      this.settle()
    } else if (outcome === 'behind' && watched.current && !watched.behind) {
      watched.behind = true
      this.send(this.socket, watched.follower.request(portfolio))
    }
  }

  private refused(message: Message, watched: Watched | undefined): void {
    if (message.code === unauthorized) {
      this.end()
    } else if (message.code === 'not_found' && watched && message.portfolio) {
      this.watched.delete(message.portfolio)
      watched.onGone?.()
      this.settle()
    } else {
      this.options.onError?.(message.code ?? '', message.message ?? '')
      // A subscription may be what was refused, for which a new connection asks again.
      if (this.socket && [...this.watched.values()].some((w) => !w.current || w.behind)) this.lost(this.socket)
    }
  }

  private end(): void {
    const told = this.state === 'ended'
    this.close()
    if (!told) this.options.onEnded?.()
  }

  /** beat runs every second, or late where the machine slept or the tab was frozen. */
  private beat(): void {
    const now = Date.now()
    const late = now - this.lastBeat
    this.lastBeat = now
    if (late > overslept && now - this.received > beat) this.probe()
    else if (now >= this.deadline && this.socket) this.lost(this.socket)
    else if (now >= this.openBy) this.abandon()
    else if (now >= this.retryAt) void this.connect()
    else if (this.socket && now - this.received >= pingAfter) this.ping(pongWithin)
  }

  private abandon(): void {
    this.attempt?.abort()
    this.discard(this.next)
    this.next = null
    this.retry()
  }

  /** probe finds out quickly whether the connection still works, and does not wait to connect. */
  private probe(): void {
    if (this.state === 'ended') return
    if (this.socket) this.ping(probeWithin)
    else if (this.retryAt < Infinity && !offline()) void this.connect()
    this.settle()
  }

  private ping(within: number): void {
    this.deadline = Math.min(this.deadline, Date.now() + within)
    this.send(this.socket, { action: 'ping' })
  }

  private send(socket: WebSocket | null, message: object): void {
    if (socket?.readyState === 1) socket.send(JSON.stringify(message))
  }

  /** settle derives the state from what is known. */
  private settle(): void {
    if (this.state === 'ended') return
    if (this.socket) {
      const all = [...this.watched.values()]
      if (!all.every((w) => w.current && w.follower.valuation)) return
      this.failures = 0
      this.enter('live')
      return
    }
    if (offline()) this.enter('offline')
    else if (this.state !== 'connecting' || this.failures > 0) this.enter('reconnecting')
  }

  private enter(state: State): void {
    if (this.state === state) return
    this.state = state
    this.options.onState?.(state)
  }
}

interface Message {
  type: string
  portfolio?: string
  code?: string
  message?: string
}

function parse(text: unknown): Message | null {
  try {
    const message: unknown = JSON.parse(String(text))
    const known = typeof message === 'object' && message !== null && 'type' in message
    return known ? (message as Message) : null
  } catch {
    return null
  }
}

function offline(): boolean {
  return typeof navigator !== 'undefined' && navigator.onLine === false
}
