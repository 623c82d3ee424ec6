// The owner's portfolios, and which one is shown.

import { all, api, result, type Schemas } from '../api/client.ts'
import { Resource } from './resource.svelte.ts'
import { route } from './route.svelte.ts'

export type Portfolio = Schemas['Portfolio']

class Portfolios {
  list = new Resource<Portfolio[]>()

  current = $derived.by((): Portfolio | null => {
    const items = this.list.value ?? []
    return items.find((p) => p.id === route.portfolio) ?? (route.portfolio ? null : (items[0] ?? null))
  })

  load(): Promise<void> {
    return this.list.load(() => all((after) => result(api.GET('/v1/portfolios', { params: { query: { after } } }))))
  }
}

export const portfolios = new Portfolios()
