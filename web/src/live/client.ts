// A client of the platform's WebSocket for any page: it keeps the valuations of the
// portfolios it watches current, over lost connections, API Gateway's two-hour limit, a
// sleeping machine and changes of the network. docs/websocket.md describes the protocol.

import { Connection, offline, type Ticket } from './connection.ts'
import { Follower, type Outcome } from './follower.ts'
import type { ErrorMessage, Message } from './messages.ts'
import type { Valuation } from './valuation.ts'

export { Ended, type Ticket } from './connection.ts'

/**
 * State of a client. 'live': every watched portfolio is current. 'connecting': the first
 * attempt. 'reconnecting': the connection was lost. 'offline': the machine has no network.
 * 'ended': the key or the session has ended, or the client was closed.
 */
export type State = 'connecting' | 'live' | 'reconnecting' | 'offline' | 'ended'

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

interface Watched extends Watcher {
  follower: Follower
  current: boolean // the service has confirmed that this connection follows it
  behind: boolean // a resume is on its way
}

export class LiveClient {
  state: State = 'connecting'
  private readonly watched = new Map<string, Watched>()
  private readonly connection: Connection
  private readonly options: Options

  constructor(options: Options) {
    this.options = options
    this.connection = new Connection({
      ticket: options.ticket,
      onOpen: () => this.request(),
      onMessage: (message) => this.receive(message),
      onChange: () => this.updateState(),
      onEnded: () => this.end(),
    })
    void this.connection.open()
  }

  /** watch follows a portfolio until the returned function is called. A portfolio has one watcher. */
  watch(portfolio: string, watcher: Watcher): () => void {
    const watched: Watched = { ...watcher, follower: new Follower(), current: false, behind: false }
    this.watched.set(portfolio, watched)
    this.connection.send(watched.follower.request(portfolio))
    this.updateState()
    return () => {
      if (this.watched.get(portfolio) !== watched) return
      this.watched.delete(portfolio)
      this.connection.send({ action: 'unsubscribe', portfolio })
      this.updateState()
    }
  }

  /** sequence returns the number of a portfolio's valuation. */
  sequence(portfolio: string): number | null {
    return this.watched.get(portfolio)?.follower.sequence ?? null
  }

  close(): void {
    this.enter('ended')
    this.connection.close()
  }

  /** request asks for every portfolio on a new connection. */
  private request(): void {
    for (const [portfolio, watched] of this.watched) {
      watched.current = watched.behind = false
      this.connection.send(watched.follower.request(portfolio))
    }
  }

  private receive(message: Message): void {
    const portfolio = 'portfolio' in message ? (message.portfolio ?? '') : ''
    const watched = this.watched.get(portfolio)
    switch (message.type) {
      case 'snapshot':
        if (watched) this.publish(portfolio, watched, watched.follower.snapshot(message))
        break
      case 'delta':
        if (watched) this.publish(portfolio, watched, watched.follower.delta(message))
        break
      case 'subscribed':
        if (watched) {
          watched.current = true
          watched.behind = false
          this.updateState()
        }
        break
      case 'reconnect':
        void this.connection.open()
        break
      case 'error':
        this.refused(message, watched)
    }
  }

  private publish(portfolio: string, watched: Watched, outcome: Outcome): void {
    const { sequence, valuation } = watched.follower
    if (outcome === 'changed' && valuation && sequence !== null) {
      watched.onValuation(valuation, sequence)
      this.updateState()
    } else if (outcome === 'behind' && watched.current && !watched.behind) {
      watched.behind = true
      this.connection.send(watched.follower.request(portfolio))
    }
  }

  private refused(error: ErrorMessage, watched: Watched | undefined): void {
    if (error.code === 'unauthorized') {
      this.end()
    } else if (error.code === 'not_found' && watched && error.portfolio) {
      this.watched.delete(error.portfolio)
      watched.onGone?.()
      this.updateState()
    } else {
      this.options.onError?.(error.code, error.message)
      // A subscription may be what was refused, for which a new connection asks again.
      if ([...this.watched.values()].some((w) => !w.current || w.behind)) this.connection.drop()
    }
  }

  private end(): void {
    if (this.state === 'ended') return
    this.close()
    this.options.onEnded?.()
  }

  private updateState(): void {
    if (this.state === 'ended') return
    if (this.connection.isOpen) {
      const all = [...this.watched.values()]
      if (!all.every((w) => w.current && w.follower.valuation)) return
      this.connection.succeeded()
      this.enter('live')
    } else if (offline()) {
      this.enter('offline')
    } else if (this.state !== 'connecting' || this.connection.failures > 0) {
      this.enter('reconnecting')
    }
  }

  private enter(state: State): void {
    if (this.state === state) return
    this.state = state
    this.options.onState?.(state)
  }
}
