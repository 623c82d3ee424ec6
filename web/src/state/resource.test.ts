import { describe, expect, it } from 'vitest'
import { Problem, result } from '../api/client.ts'
import { Resource, retryUnanswered } from './resource.svelte.ts'

const failed = (error: unknown) => result(Promise.reject(error)).catch((problem: Problem) => problem)

describe('a call without an answer', () => {
  it('says whether the service did not answer or could not be reached', async () => {
    expect(await failed(new DOMException('', 'TimeoutError'))).toMatchObject({ code: 'timeout', status: 0, unanswered: true })
    expect(await failed(new TypeError('Failed to fetch'))).toMatchObject({ code: 'unreachable', unanswered: true })
    expect(await failed(new DOMException('', 'AbortError'))).toBeInstanceOf(DOMException)
  })

  it('is not one that was refused', async () => {
    const response = new Response(null, { status: 502, headers: { 'X-Request-Id': 'r-1' } })
    const problem = await result(Promise.resolve({ response, error: '<html>' })).catch((p: Problem) => p)
    expect(problem).toMatchObject({ status: 502, request: 'r-1', unanswered: false })
  })
})

describe('a resource', () => {
  const unreachable = () => Promise.reject(new Problem(0, 'unreachable', ''))

  it('is loaded again when the service can be reached, once', async () => {
    const resource = new Resource<number>()
    let loads = 0
    await resource.load(() => (++loads === 1 ? unreachable() : Promise.resolve(loads)))
    expect(resource.problem?.unanswered).toBe(true)
    retryUnanswered()
    retryUnanswered()
    await Promise.resolve()
    await Promise.resolve()
    expect([resource.value, resource.problem, loads]).toEqual([2, null, 2])
  })

  it('is not loaded again if it was refused or is no longer wanted', async () => {
    const [refused, cleared] = [new Resource<number>(), new Resource<number>()]
    let loads = 0
    await refused.load(() => (loads++, Promise.reject(new Problem(400, 'invalid_request', ''))))
    await cleared.load(() => (loads++, unreachable()))
    cleared.clear()
    retryUnanswered()
    expect(loads).toBe(2)
  })
})
