// Who is signed in. The session is a cookie that no script can read.

import { api, onSignedOut, Problem, result, type Schemas } from '../api/client.ts'

export type SessionInfo = Schemas['Session']
type Scope = SessionInfo['scopes'][number]
type SignIn = Schemas['SignIn'] & { provider?: string } // the issuer's host

type Status = 'asking' | 'signed-in' | 'signed-out' | 'unreachable' | 'unusable'

class Session {
  status = $state<Status>('asking')
  info = $state.raw<SessionInfo | null>(null)
  signIn = $state.raw<SignIn | null>(null)
  problem = $state.raw<Problem | null>(null)
  /** Why nobody is signed in any more; '' for a person who has not been. */
  ended = $state('')

  constructor() {
    onSignedOut(() => this.end('Your session has ended: the key was revoked or has expired. Sign in again.'))
  }

  /** start finds out whether somebody is signed in. */
  async start(): Promise<void> {
    this.status = 'asking'
    this.problem = null
    try {
      this.signIn = await result(api.GET('/v1/sign-in'))
      this.info = await result(api.GET('/v1/session'))
      this.status = 'signed-in'
    } catch (error) {
      const problem = error as Problem
      if (problem.code === 'unauthenticated') {
        this.ended = ''
        this.status = 'signed-out'
        return
      }
      this.problem = problem
      this.status = problem.code === 'https_required' ? 'unusable' : 'unreachable'
    }
  }

  async enter(key: string): Promise<void> {
    try {
      this.info = await result(api.POST('/v1/session', { body: { key } }))
    } catch (error) {
      this.ended = ''
      throw error
    }
    this.ended = ''
    this.status = 'signed-in'
  }

  async leave(everywhere = false): Promise<void> {
    await result(everywhere ? api.DELETE('/v1/sessions') : api.DELETE('/v1/session'))
    this.end('')
  }

  /** end forgets everything about the person. */
  end(why: string): void {
    if (this.status !== 'signed-in') return
    this.info = null
    this.ended = why
    this.status = 'signed-out'
  }

  may(scope: Scope): boolean {
    return this.info?.scopes.includes(scope) ?? false
  }
}

export const session = new Session()
