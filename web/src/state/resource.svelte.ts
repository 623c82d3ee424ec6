import { Problem } from '../api/client.ts'

// Loads that had no answer.
const unanswered = new Map<object, () => void>()

/** retryUnanswered tries loads again that had no answer, now that the service can be reached. */
export function retryUnanswered(): void {
  const again = [...unanswered.values()]
  unanswered.clear()
  for (const load of again) load()
}

/** Resource is something loaded from the API, with what a view must show about that. */
export class Resource<T> {
  value = $state.raw<T | null>(null) // the last that was loaded; kept while another is
  problem = $state.raw<Problem | null>(null)
  loading = $state(false)
  private latest = 0

  /** load replaces the value; of several loads at once the last wins. */
  async load(read: () => Promise<T>): Promise<void> {
    const mine = ++this.latest
    this.loading = true
    unanswered.delete(this)
    try {
      const value = await read()
      if (mine !== this.latest) return
      this.value = value
      this.problem = null
    } catch (error) {
      if (mine !== this.latest) return
      this.problem = error instanceof Problem ? error : new Problem(0, 'page', String(error))
      if (this.problem.unanswered) unanswered.set(this, () => void this.load(read))
    } finally {
      if (mine === this.latest) this.loading = false
    }
  }

  clear(): void {
    this.latest++
    unanswered.delete(this)
    this.value = this.problem = null
    this.loading = false
  }
}
