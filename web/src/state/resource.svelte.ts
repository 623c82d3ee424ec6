import { Problem } from '../api/client.ts'

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
    try {
      const value = await read()
      if (mine !== this.latest) return
      this.value = value
      this.problem = null
    } catch (error) {
      if (mine !== this.latest) return
      this.problem = error instanceof Problem ? error : new Problem(0, 'page', String(error))
    } finally {
      if (mine === this.latest) this.loading = false
    }
  }

  clear(): void {
    this.latest++
    this.value = this.problem = null
    this.loading = false
  }
}
