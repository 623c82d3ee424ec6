// Delayed work in batches: what is due at about the same time is done in one frame.

interface Batch {
  due: number
  work: (() => void)[]
}

const batches = new Map<number, Batch>() // by delay, the one that is being filled

// Milliseconds. What is due so close together is done together, in one frame.
const together = 100

/** later does work after a delay in milliseconds, or up to a tenth of a second after that. */
export function later(delay: number, work: () => void): void {
  const due = Date.now() + delay
  const batch = batches.get(delay)
  if (batch && due <= batch.due) {
    batch.work.push(work)
    return
  }
  const begun: Batch = { due: due + together, work: [work] }
  batches.set(delay, begun)
  setTimeout(() => {
    if (batches.get(delay) === begun) batches.delete(delay)
    for (const each of begun.work) each()
  }, delay + together)
}
