// The messages of docs/websocket.md that the service sends.

import type { Delta, Valuation } from './valuation.ts'

export interface Snapshot {
  type: 'snapshot'
  portfolio: string
  sequence: number
  part?: number
  parts?: number
  valuation: Valuation
}

export type DeltaMessage = Delta & { type: 'delta'; portfolio: string; after: number; sequence: number }

export interface ErrorMessage {
  type: 'error'
  code: string
  message: string
  portfolio?: string
}

export type Message =
  | Snapshot
  | DeltaMessage
  | ErrorMessage
  | { type: 'subscribed' | 'unsubscribed'; portfolio: string }
  | { type: 'reconnect'; within_seconds: number }
  | { type: 'pong' | 'keepalive' }

/** parse returns a message, or null for a text that is not one. */
export function parse(text: unknown): Message | null {
  try {
    const message: unknown = JSON.parse(String(text))
    const typed = typeof message === 'object' && message !== null && 'type' in message
    return typed ? (message as Message) : null
  } catch {
    return null
  }
}
