// A connection to the platform's WebSocket that is opened again whenever it is lost: after
// network failures, at API Gateway's two-hour limit, and when the machine has slept.

import { parse, type Message } from './messages.ts'

export interface Ticket {
  url: string
  ticket: string
}

/** Ended is the rejection of a request for a ticket where the key or the session has ended. */
export class Ended extends Error {}

export interface Events {
  /** Requests a ticket. After a rejection with an Ended no other is requested; others are tried again. */
  ticket: (signal: AbortSignal) => Promise<Ticket>
  /** A connection was opened. Nothing is subscribed on it yet. */
  onOpen: () => void
  onMessage: (message: Message) => void
  /** Whether there is a connection, or a network, may have changed. */
  onChange: () => void
  /** A ticket was rejected with an Ended. */
  onEnded: () => void
}

// Milliseconds. A ping is sent where nothing was received for pingAfter; if nothing is
// received within pongWithin, the connection is lost.
const pingAfter = 25_000
const pongWithin = 8_000
const probeWithin = 4_000 // after a sleep or a change of the network
const connectWithin = 15_000
const checkEvery = 1_000
const overslept = 10_000 // a check that is later than this: the machine slept, or the tab was frozen
const firstDelay = 500
const maxDelay = 30_000

/** backoff returns how long to wait before an attempt, the n-th since the last success. */
export function backoff(n: number, random: () => number = Math.random): number {
  const limit = Math.min(maxDelay, firstDelay * 2 ** n)
  return limit / 2 + (random() * limit) / 2
}

export class Connection {
  /** Attempts that failed since the last success. */
  failures = 0
  private socket: WebSocket | null = null // in use
  private next: WebSocket | null = null // being opened
  private attempt: AbortController | null = null
  private received = 0 // time of the last message
  private deadline = Infinity // time by which a message must have been received
  private openBy = Infinity
  private retryAt = Infinity
  private lastCheck = Date.now()
  private closed = false
  private readonly events: Events
  private readonly timer: ReturnType<typeof setInterval>
  private readonly listening = new AbortController()

  constructor(events: Events) {
    this.events = events
    this.timer = setInterval(() => this.check(), checkEvery)
    if (typeof window !== 'undefined') {
      const options = { signal: this.listening.signal }
      for (const name of ['online', 'offline', 'pageshow']) window.addEventListener(name, () => this.probe(), options)
      const shown = () => document.visibilityState === 'visible' && this.probe()
      document.addEventListener('visibilitychange', shown, options)
      const network = (navigator as Navigator & { connection?: EventTarget }).connection
      network?.addEventListener('change', () => this.probe(), options)
    }
  }

  get isOpen(): boolean {
    return this.socket !== null
  }

  /** succeeded makes the wait after the next failure short again. */
  succeeded(): void {
    this.failures = 0
  }

  send(message: object): void {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(message))
  }

  /** drop gives up the connection and opens another one after a while. */
  drop(): void {
    if (this.socket) this.lost(this.socket)
  }

  close(): void {
    this.closed = true
    clearInterval(this.timer)
    this.listening.abort()
    this.attempt?.abort()
    this.discard(this.socket)
    this.discard(this.next)
    this.socket = this.next = null
  }

  /** open opens a connection; the old one, if there is one, serves until then. */
  async open(): Promise<void> {
    this.retryAt = Infinity
    this.attempt?.abort()
    const attempt = (this.attempt = new AbortController())
    this.openBy = Date.now() + connectWithin
    try {
      const { url, ticket } = await this.events.ticket(attempt.signal)
      if (attempt.signal.aborted) return
      const address = new URL(url)
      address.searchParams.set('ticket', ticket)
      this.use(new WebSocket(address))
    } catch (error) {
      if (attempt.signal.aborted) return
      if (error instanceof Ended) this.events.onEnded()
      else this.retry()
    }
  }

  /** use replaces the old connection by a socket as soon as that is open. */
  private use(socket: WebSocket): void {
    this.discard(this.next)
    this.next = socket
    socket.onopen = () => {
      const old = this.socket
      this.next = null
      this.socket = socket
      this.openBy = this.deadline = Infinity
      this.received = Date.now()
      this.events.onOpen()
      this.discard(old)
      this.events.onChange()
    }
    socket.onmessage = (event) => this.receive(event.data)
    socket.onclose = socket.onerror = () => this.lost(socket)
  }

  private receive(text: unknown): void {
    this.received = Date.now()
    this.deadline = Infinity
    const message = parse(text)
    if (message) this.events.onMessage(message)
  }

  /** lost deals with a connection that has ended, whichever it is. */
  private lost(socket: WebSocket): void {
    this.discard(socket)
    if (this.closed) return
    if (socket === this.socket) {
      this.socket = null
      this.deadline = Infinity
      if (this.openBy < Infinity || this.retryAt < Infinity) this.events.onChange()
      else this.retry()
    } else if (socket === this.next) {
      this.next = null
      this.retry()
    }
  }

  private retry(): void {
    this.openBy = Infinity
    this.retryAt = Date.now() + backoff(this.failures++)
    this.events.onChange()
  }

  private discard(socket: WebSocket | null): void {
    if (!socket) return
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null
    socket.close()
  }

  /** check runs every second, or late where the machine slept or the tab was frozen. */
  private check(): void {
    const now = Date.now()
    const late = now - this.lastCheck
    this.lastCheck = now
    if (late > overslept && now - this.received > checkEvery) this.probe()
    else if (now >= this.deadline && this.socket) this.lost(this.socket)
    else if (now >= this.openBy) this.abandon()
    else if (now >= this.retryAt) void this.open()
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
    if (this.socket) this.ping(probeWithin)
    else if (this.retryAt < Infinity && !offline()) void this.open()
    this.events.onChange()
  }

  private ping(within: number): void {
    this.deadline = Math.min(this.deadline, Date.now() + within)
    this.send({ action: 'ping' })
  }
}

/** offline reports whether the machine has no network, as far as the browser knows. */
export function offline(): boolean {
  return typeof navigator !== 'undefined' && navigator.onLine === false
}
