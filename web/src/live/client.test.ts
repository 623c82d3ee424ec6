import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Ended, LiveClient, type State } from './client.ts'
import { backoff } from './connection.ts'
import { FakeService, FakeSocket, valuation } from './testing.ts'
import type { Valuation } from './valuation.ts'

const portfolio = 'p-1'

class Page {
  states: State[] = []
  sequences: number[] = []
  shown: Valuation | null = null
  ended = 0
  gone = 0
  tickets = 0
  refuse: Error | null = null
  readonly client: LiveClient

  constructor() {
    this.client = new LiveClient({
      ticket: () => {
        this.tickets++
        if (this.refuse) return Promise.reject(this.refuse)
        if (!FakeSocket.service.reachable) return Promise.reject(new Error('unreachable'))
        return Promise.resolve({ url: 'ws://api.test/prod', ticket: `t-${this.tickets}` })
      },
      onState: (state) => this.states.push(state),
      onEnded: () => this.ended++,
    })
    this.watch()
  }

  watch(): () => void {
    return this.client.watch(portfolio, {
      onValuation: (v, sequence) => {
        this.shown = v
        this.sequences.push(sequence)
      },
      onGone: () => this.gone++,
    })
  }
}

let service: FakeService
let page: Page

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 2) })
  vi.stubGlobal('WebSocket', FakeSocket)
  start()
})
afterEach(() => {
  page.client.close()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function start(): void {
  service = FakeSocket.service = new FakeService(valuation(0, [1, 2, 3]))
  page = new Page()
}

const second = 1_000
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe('the client', () => {
  it('is live once it has the first snapshot', async () => {
    expect(page.client.state).toBe('connecting')
    await pass(second)
    expect(page.states).toEqual(['live'])
    expect(page.shown).toEqual(service.current.valuation)
    expect([...service.sockets][0]?.url.searchParams.get('ticket')).toBe('t-1')
  })

  it('resumes with its number after the connection was lost', async () => {
    await pass(second)
    service.each((s) => s.cut())
    expect(page.client.state).toBe('reconnecting')
    service.change(portfolio, valuation(1, [4]), 3)
    await pass(2 * second)
    expect(page.client.state).toBe('live')
    expect(service.requests.at(-1)).toEqual({ action: 'resume', portfolio, sequence: 1 })
    expect(page.shown).toEqual(service.current.valuation)
  })

  it('notices a connection on which nothing arrives any more', async () => {
    await pass(second)
    service.each((s) => (s.mute = true))
    service.change(portfolio, valuation(1, [4]), 1)
    await pass(36 * second)
    expect(page.client.state).toBe('live')
    expect(page.shown).toEqual(service.current.valuation)
    expect(page.tickets).toBe(2)
  })

  it('notices soon after a sleep', async () => {
    await pass(second)
    service.each((s) => (s.mute = true))
    vi.setSystemTime(Date.now() + 3_600 * second)
    service.change(portfolio, valuation(1, [4]), 1)
    await pass(7 * second)
    expect(page.client.state).toBe('live')
    expect(page.shown).toEqual(service.current.valuation)
  })

  it('opens another connection before API Gateway closes the first', async () => {
    await pass(second)
    const [old] = service.sockets
    old?.receive({ type: 'reconnect', within_seconds: 60 })
    await pass(second)
    expect(old?.readyState).toBe(3)
    expect(service.sockets.size).toBe(1)
    expect(page.states).toEqual(['live']) // all the time
    expect(service.requests.at(-1)?.action).toBe('resume')
  })

  it('asks for what is missing if a delta was lost', async () => {
    await pass(second)
    service.lose()
    service.change(portfolio, valuation(1, [4, 5]), 1)
    service.change(portfolio, valuation(2, [4, 6]), 1)
    await pass(second)
    expect(service.requests.filter((r) => r.action === 'resume')).toHaveLength(1)
    expect(page.shown).toEqual(service.current.valuation)
  })

  it('puts the parts of a snapshot together', async () => {
    page.client.close()
    service = FakeSocket.service = new FakeService(valuation(0, [1, 2, 3, 4, 5]))
    service.parts = 3
    page = new Page()
    await pass(second)
    expect(page.shown).toEqual(service.current.valuation)
    expect(page.sequences).toEqual([1])
  })

  it('ends when the key ends', async () => {
    await pass(second)
    service.each((s) => s.receive({ type: 'error', code: 'unauthorized', message: 'the API key was revoked' }))
    expect(page.client.state).toBe('ended')
    expect(page.ended).toBe(1)
    await pass(600 * second)
    expect(page.tickets).toBe(1)
  })

  it('ends when a ticket is refused for good', async () => {
    await pass(second)
    page.refuse = new Ended()
    service.each((s) => s.cut())
    await pass(2 * second)
    expect(page.client.state).toBe('ended')
    expect(page.ended).toBe(1)
  })

  it('reports that a portfolio was deleted, and ignores what comes later', async () => {
    await pass(second)
    service.each((s) => s.receive({ type: 'error', code: 'not_found', portfolio, message: 'no such portfolio' }))
    expect(page.gone).toBe(1)
    const before = page.sequences.length
    service.change(portfolio, valuation(1, [9]), 1)
    expect(page.sequences).toHaveLength(before)
    expect(page.client.state).toBe('live')
  })

  it('keeps trying, less and less often, while the service cannot be reached', async () => {
    await pass(second)
    service.reachable = false
    service.each((s) => s.cut())
    await pass(300 * second)
    expect(page.client.state).toBe('reconnecting')
    expect(page.tickets).toBeGreaterThan(10)
    expect(page.tickets).toBeLessThan(30)
    service.reachable = true
    await pass(31 * second)
    expect(page.client.state).toBe('live')
  })

  it('ignores what is not a message', async () => {
    await pass(second)
    service.each((s) => {
      for (const data of ['', 'null', '7', '{', '[]', '{"type":"new"}', '{"type":"delta"}']) s.onmessage?.({ data })
    })
    expect(page.client.state).toBe('live')
  })

  it('unsubscribes when the watcher stops', async () => {
    page.client.close()
    service = FakeSocket.service = new FakeService(valuation(0, [1]))
    page = new Page()
    const stop = page.watch()
    await pass(second)
    stop()
    await pass(second)
    expect(service.requests.at(-1)).toEqual({ action: 'unsubscribe', portfolio })
    expect(page.client.sequence(portfolio)).toBeNull()
  })
})

it('backs off by half to all of a delay that doubles up to 30 s', () => {
  expect(backoff(0, () => 0)).toBe(250)
  expect(backoff(0, () => 1)).toBe(500)
  fc.assert(
    fc.property(fc.nat(2000), fc.double({ min: 0, max: 1, noNaN: true }), (n, r) => {
      const delay = backoff(n, () => r)
      return delay >= 250 && delay <= 30_000
    }),
  )
})

// Whatever happens on the way: once the service can be reached, the page is live within a
// minute and a half and shows what the service has, and it never showed an older state
// after a newer one.
const prices = fc.array(fc.option(fc.integer({ min: -1, max: 50 })), { minLength: 5, maxLength: 5 })
const event = fc.oneof(
  fc.record({ what: fc.constant('change' as const), prices, step: fc.integer({ min: 1, max: 9 }), since: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ what: fc.constantFrom('cut' as const, 'mute', 'lose', 'repeat', 'reconnect', 'takeOver', 'snapshot', 'sleep', 'outage', 'recovery') }),
  fc.record({ what: fc.constant('pass' as const), ms: fc.constantFrom(5, 30, 200, 1_500, 40_000) }),
  fc.record({ what: fc.constant('parts' as const), parts: fc.integer({ min: 1, max: 4 }) }),
)

it('never loses a delta and never goes back', async () => {
  await fc.assert(
    fc
      .asyncProperty(fc.array(event, { minLength: 1, maxLength: 40 }), async (events) => {
        let now = 1
        for (const e of events) {
          switch (e.what) {
            case 'change':
              service.change(portfolio, valuation(now++, e.prices), e.step, e.since)
              break
            case 'pass':
              await pass(e.ms)
              break
            case 'parts':
              service.parts = e.parts
              break
            case 'cut':
              service.each((s) => s.cut())
              break
            case 'mute':
              service.each((s) => (s.mute = true))
              break
            case 'lose':
              service.lose()
              break
            case 'repeat':
              service.repeat(portfolio)
              break
            case 'reconnect':
              service.each((s) => s.receive({ type: 'reconnect', within_seconds: 60 }))
              break
            case 'takeOver':
              service.takeOver()
              break
            case 'snapshot':
              service.each((s) => service.snapshot(portfolio).forEach((m) => s.receive(m)))
              break
            case 'sleep':
              vi.setSystemTime(Date.now() + 3_600 * second)
              break
            case 'outage':
              service.reachable = false
              service.each((s) => s.cut())
              break
            case 'recovery':
              service.reachable = true
          }
        }
        service.reachable = true
        await pass(90 * second)
        // The first of these may be lost, which the second shows.
        service.change(portfolio, valuation(now++, [6, 6, 6, 6, 6]), 1)
        service.change(portfolio, valuation(now++, [7, 7, 7, 7, 7]), 1)
        await pass(second)
        expect(page.client.state).toBe('live')
        expect(page.shown).toEqual(service.current.valuation)
        expect(page.client.sequence(portfolio)).toBe(service.current.sequence)
        expect(page.sequences).toEqual([...new Set(page.sequences)].sort((a, b) => a - b))
        expect(service.sockets.size).toBe(1)
      })
      .beforeEach(() => {
        page.client.close()
        start()
      }),
    { numRuns: 300 },
  )
}, 120_000)
