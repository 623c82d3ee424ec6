// How a person wants the page to look. Nothing else is kept in the browser's storage, above
// all no key and no session.

export type Theme = 'auto' | 'light' | 'dark'

interface Kept {
  locale: string // '' for the browser's
  timeZone: string // '' for the machine's
  theme: Theme
}

const name = 'portfolio.preferences'

function read(): Kept {
  const kept: Kept = { locale: '', timeZone: '', theme: 'auto' }
  try {
    const found = JSON.parse(localStorage.getItem(name) ?? '{}') as Partial<Kept>
    if (isLocale(found.locale)) kept.locale = found.locale
    if (isTimeZone(found.timeZone)) kept.timeZone = found.timeZone
    if (found.theme === 'light' || found.theme === 'dark') kept.theme = found.theme
  } catch {
    // What cannot be read is not kept.
  }
  return kept
}

export function isLocale(text: unknown): text is string {
  try {
    return typeof text === 'string' && (text === '' || Intl.NumberFormat.supportedLocalesOf(text).length > 0)
  } catch {
    return false
  }
}

/** usableLocale returns the first locale that Intl accepts. */
export function usableLocale(locales: readonly string[]): string {
  return locales.find((locale) => locale !== '' && isLocale(locale)) ?? 'en'
}

export function isTimeZone(text: unknown): text is string {
  try {
    return typeof text === 'string' && (text === '' || !!new Intl.DateTimeFormat('en', { timeZone: text }))
  } catch {
    return false
  }
}

class Preferences {
  private kept = $state(read())

  // Every number and time that is shown reads these.
  locale = $derived(usableLocale([this.kept.locale, navigator.language]))
  timeZone = $derived(this.kept.timeZone || Intl.DateTimeFormat().resolvedOptions().timeZone)

  get chosen(): Readonly<Kept> {
    return this.kept
  }

  choose(changes: Partial<Kept>): void {
    Object.assign(this.kept, changes)
    try {
      localStorage.setItem(name, JSON.stringify(this.kept))
    } catch {
      // Without storage it lasts until the page is closed.
    }
    this.show()
  }

  /** show applies the theme to the document. */
  show(): void {
    document.documentElement.dataset.theme = this.kept.theme
  }
}

export const preferences = new Preferences()
