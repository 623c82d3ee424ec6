// The service's API, typed by its OpenAPI document.

import createClient from 'openapi-fetch'
import type { components, paths } from './schema.d.ts'

export type Schemas = components['schemas']

// Relative to the page, since a load balancer may have a path in front.
const base = typeof document === 'undefined' ? '' : new URL('.', document.baseURI).href.replace(/\/$/, '')

// Milliseconds. The load balancer gives up a call after a minute; an upload may take longer.
const answeredWithin = 75_000
const uploadedWithin = 300_000

/** timed makes a call that fails if it has no answer after a while, as on a network that loses everything. */
function timed(request: Request): Promise<Response> {
  const upload = request.headers.get('Content-Type') === 'application/octet-stream'
  const limit = AbortSignal.timeout(upload ? uploadedWithin : answeredWithin)
  return fetch(request, { signal: AbortSignal.any([request.signal, limit]) })
}

export const api = createClient<paths>({ baseUrl: base, fetch: timed })

/** path returns the address of a path of the API, for links. */
export function path(relative: string): string {
  return base + relative
}

/** Problem is an error that the service answered, or the lack of an answer. */
export class Problem extends Error {
  readonly status: number // 0 where there was no answer
  readonly code: string
  readonly request: string // ID in the service's log
  readonly fields: NonNullable<Schemas['Problem']['fields']>
  readonly rows: NonNullable<Schemas['Problem']['rows']>

  constructor(status: number, code: string, detail: string, request = '', document?: Partial<Schemas['Problem']>) {
    super(detail)
    this.status = status
    this.code = code
    this.request = request
    this.fields = document?.fields ?? []
    this.rows = document?.rows ?? []
  }

  /** Nobody knows what became of the call: it had no answer. */
  get unanswered(): boolean {
    return this.status === 0 && (this.code === 'unreachable' || this.code === 'timeout')
  }
}

const unreachable = 'The service cannot be reached. Check the network.'
const timeout = 'The service did not answer. Try again in a while.'

let signedOut: () => void = () => {}

/** onSignedOut sets what is called when a call is refused because nobody is signed in. */
export function onSignedOut(handler: () => void): void {
  signedOut = handler
}

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

/** result returns the data of a call, or throws a Problem. */
export async function result<T>(call: Promise<Answer<T>>): Promise<T> {
  return (await answer(call)).data
}

/** answer returns the data and the response of a call, or throws a Problem. */
export async function answer<T>(call: Promise<Answer<T>>): Promise<{ data: T; response: Response }> {
  let got: Answer<T>
  try {
    got = await call
  } catch (error) {
    const name = error instanceof DOMException ? error.name : ''
    if (name === 'AbortError') throw error
    throw name === 'TimeoutError' ? new Problem(0, 'timeout', timeout) : new Problem(0, 'unreachable', unreachable)
  }
  const { data, error, response } = got
  if (response.ok) return { data: data as T, response }
  const problem = problemOf(response, error)
  if (problem.code === 'unauthenticated') signedOut()
  throw problem
}

function problemOf(response: Response, error: unknown): Problem {
  const request = response.headers.get('X-Request-Id') ?? ''
  if (typeof error === 'object' && error !== null && 'code' in error) {
    const document = error as Schemas['Problem']
    return new Problem(response.status, document.code, document.detail, request, document)
  }
  return new Problem(response.status, 'unavailable', `The service answered with status ${response.status}.`, request)
}

/** all returns every item of a list that comes in pages. */
export async function all<T>(page: (after?: string) => Promise<{ items: T[]; next: string | null }>): Promise<T[]> {
  const items: T[] = []
  for (let after: string | undefined; ; ) {
    const got = await page(after)
    items.push(...got.items)
    if (got.next === null) return items
    after = got.next
  }
}
