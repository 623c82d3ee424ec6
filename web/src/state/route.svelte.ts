// The page's address: #/view/item?p=PORTFOLIO. It is a fragment, because only the page's
// folder is served.

export const views = ['overview', 'holdings', 'transactions', 'import', 'performance', 'settings'] as const
export type View = (typeof views)[number]

function isView(text: string): text is View {
  return (views as readonly string[]).includes(text)
}

class Route {
  view = $state<View>('overview')
  item = $state('') // of the view, such as a symbol
  query = $state.raw(new URLSearchParams())

  constructor() {
    this.read()
    addEventListener('hashchange', () => this.read())
  }

  /** read takes the address over at once; the event that it has changed comes later. */
  read(): void {
    const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?')
    const [view = '', item = ''] = path.split('/')
    this.view = isView(view) ? view : 'overview'
    this.item = decode(item)
    this.query = new URLSearchParams(query)
  }

  get portfolio(): string {
    return this.query.get('p') ?? ''
  }

  /** to returns the address of a view, of the same portfolio unless another is given. */
  to(view: View, item = '', portfolio = this.portfolio): string {
    const query = portfolio ? '?' + new URLSearchParams({ p: portfolio }).toString() : ''
    return `#/${view}${item ? '/' + encodeURIComponent(item) : ''}${query}`
  }

  go(view: View, item = '', portfolio = this.portfolio): void {
    location.hash = this.to(view, item, portfolio)
    this.read()
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

export const route = new Route()
