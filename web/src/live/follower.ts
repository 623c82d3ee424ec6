import type { DeltaMessage, Snapshot } from './messages.ts'
import { apply, join, type Valuation } from './valuation.ts'

/** Outcome is the effect of a message; 'behind' means that a delta before it is missing. */
export type Outcome = 'changed' | 'ignored' | 'behind'

/** Follower holds one portfolio's valuation and the number it has. */
export class Follower {
  sequence: number | null = null // null before the first snapshot
  valuation: Valuation | null = null
  private pending: { sequence: number; parts: (Valuation | undefined)[] } | null = null

  snapshot(message: Snapshot): Outcome {
    if (this.sequence !== null && message.sequence <= this.sequence) return 'ignored'
    const whole = this.assemble(message)
    if (!whole) return 'ignored'
    this.sequence = message.sequence
    this.valuation = whole
    this.pending = null
    return 'changed'
  }

  /** assemble returns the valuation once all parts of its snapshot are there, in whatever order they come. */
  private assemble(message: Snapshot): Valuation | null {
    const { sequence, part, parts, valuation } = message
    if (part === undefined || parts === undefined) return valuation
    if (this.pending && sequence < this.pending.sequence) return null
    if (this.pending?.sequence !== sequence || this.pending.parts.length !== parts) {
      this.pending = { sequence, parts: new Array<Valuation | undefined>(parts).fill(undefined) }
    }
    if (part < 1 || part > parts) return null
    this.pending.parts[part - 1] = valuation
    const complete = this.pending.parts.filter((p) => p !== undefined)
    return complete.length === parts ? join(complete) : null
  }

  /** delta applies a delta. */
  delta(message: DeltaMessage): Outcome {
    if (this.sequence === null || !this.valuation) return 'behind'
    if (message.sequence <= this.sequence) return 'ignored'
    if (message.after > this.sequence) return 'behind'
    this.valuation = apply(this.valuation, message)
    this.sequence = message.sequence
    return 'changed'
  }

  /** request returns the message that starts or continues following on a new connection. */
  request(portfolio: string): object {
    this.pending = null // its other parts went to the old connection
    if (this.sequence === null) return { action: 'subscribe', portfolio }
    return { action: 'resume', portfolio, sequence: this.sequence }
  }
}
