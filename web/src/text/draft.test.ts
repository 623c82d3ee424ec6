import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Draft } from './draft.ts'
import { fieldsOf } from './kinds.ts'
import type { Kind } from './words.ts'

// The formats depend on the browser's language.
vi.stubGlobal('navigator', { language: 'en-US' })
vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => {} })
vi.stubGlobal('document', { documentElement: { dataset: {} } })

let m: typeof import('./draft.ts')
let f: typeof import('./format.ts')
let preferences: typeof import('../state/preferences.svelte.ts').preferences
beforeAll(async () => {
  m = await import('./draft.ts')
  f = await import('./format.ts')
  preferences = (await import('../state/preferences.svelte.ts')).preferences
})
afterEach(() => preferences.choose({ locale: '' }))

const filled = (kind: Kind): Draft => ({
  ...m.draft('2026-02-28', 'usd'), kind, symbol: 'acme', quantity: '1,000', price: '2.5', amount: '7', fee: '1', tax: '2',
  to_amount: '3', to_currency: 'eur', ratio_new: '2', ratio_old: '1', to_symbol: 'new', cost_fraction: '0.5',
  acquired: '2026-01-01', lots: '2026-01-02 10\n', transfer: 'T', note: 'n', time: '10:30',
})

describe('a draft', () => {
  it('sends the fields that its kind has, and no others', () => {
    for (const kind of Object.keys(fieldsOf) as Kind[]) {
      const sent = Object.keys(m.inputOf(filled(kind)))
      const { must, may } = fieldsOf[kind]
      const has = ['kind', 'date', 'time', 'note', ...must, ...may].filter((x) => x !== 'fee_currency')
      expect(sent.sort(), kind).toEqual(has.sort())
    }
  })

  it('is read in the person\u2019s locale', () => {
    expect(m.inputOf(filled('SELL'))).toMatchObject({
      symbol: 'ACME', quantity: '1000', price: '2.5', currency: 'USD', lots: [{ date: '2026-01-02', quantity: '10' }],
    })
  })

  it('names what is missing, a price above all', () => {
    const d = { ...filled('BUY'), price: ' ' }
    expect(m.missingIn(d)).toEqual([{ path: 'price', got: 'nothing', want: 'a value' }])
    expect(m.missingIn({ ...filled('SPLIT'), ratio_old: '' })).toHaveLength(1)
    expect(m.missingIn({ ...filled('SPLIT'), date: '' })).toEqual([{ path: 'date', got: 'nothing', want: 'a value' }])
    expect(m.missingIn(filled('MERGER'))).toEqual([])
  })
})

describe('typed', () => {
  it('never guesses', () => {
    for (const [text, want] of [
      ['1,234.5', '1234.5'], ['1234.5', '1234.5'], ['-0.5', '-0.5'], ['\u22125', '-5'], ['1 000', '1000'],
      ['1,5', '1,5'], ['1.234,5', '1.234,5'], ['1e3', '1e3'], ['', ''], ['12,34,567', '1234567'], ['1.2.3', '1.2.3'],
    ] as const) {
      expect(f.typed(text), text).toBe(want)
    }
  })
})

describe('a ratio', () => {
  it('is sent as it was typed unless it is a whole number', () => {
    for (const [text, want] of [
      ['2', 2], [' 2 ', 2], ['1,000', 1000], ['1e9', '1e9'], ['0x10', '0x10'], ['1.5', '1.5'], ['-1', '-1'], ['two', 'two'],
      ['9007199254740993', '9007199254740993'],
    ] as const) {
      expect(m.inputOf({ ...filled('SPLIT'), ratio_new: text }).ratio, text).toEqual({ new: want, old: 1 })
    }
  })
})

const locales = ['en-US', 'en-IN', 'de-DE', 'de-CH', 'fr-FR', 'pl-PL', 'sv-SE', 'ja-JP', 'hi-IN', 'ar-EG', 'fa-IR', 'bn-BD', 'my-MM']
const values = ['0', '1', '-0.5', '1234567.890123456789', '999999999999999999.000000000000000001']

describe('numbers in another locale', () => {
  it.each(locales)('are read as they are written: %s', (locale) => {
    preferences.choose({ locale })
    for (const value of values) {
      expect(f.typed(f.editable(value)), value).toBe(value)
      expect(f.typed(f.plain(value)), value).toBe(value)
    }
  })

  it('are kept apart from the words around them where they are written from right to left', () => {
    preferences.choose({ locale: 'ar-EG' })
    for (const text of [f.money('1', 'USD'), f.plain('1'), f.day('2026-02-28'), f.age(61_000)]) expect(text).toMatch(/^\u2068.*\u2069/)
  })

  it('have an age in the words of the page', () => {
    preferences.choose({ locale: 'de-DE' })
    expect(f.age(61_000)).toBe('1 min ago')
    expect(f.age(1_000 * 86_400_000)).toBe('1.000 days ago')
  })
})

describe('formats', () => {
  it('are exact and say what is missing', () => {
    expect(f.money('12345678901234567890.12', 'USD')).toBe('$12,345,678,901,234,567,890.12')
    expect(f.plain('0.123456789012345678')).toBe('0.123456789012345678')
    expect(f.money(null, 'USD')).toBe('\u2014')
    expect(f.percent('0.0123', true)).toBe('+1.23%')
    expect(f.age(61_000)).toBe('1 min ago')
    expect(f.counted(1, 'row')).toBe('1 row')
  })
})
