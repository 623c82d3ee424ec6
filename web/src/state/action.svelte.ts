import { Problem } from '../api/client.ts'

/** Action is what a person does by calls of the API, with what a view must show about it. */
export class Action {
  busy = $state(false)
  problem = $state.raw<Problem | null>(null) // of the last that failed, until the next begins

  /** run does the work. A problem is kept; any other error is a fault and is thrown. */
  async run(work: () => Promise<void>): Promise<void> {
    this.busy = true
    this.problem = null
    try {
      await work()
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      this.problem = error
    } finally {
      this.busy = false
    }
  }
}
