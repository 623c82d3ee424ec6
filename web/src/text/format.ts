// Decimals and times as text in the person's locale and time zone. Decimals go into Intl as
// strings, which are formatted exactly.

import { preferences } from '../state/preferences.svelte.ts'
import { isDecimal, sign } from './decimal.ts'

export const nothing = '—'

const numbers = new Map<string, Intl.NumberFormat>()

/** numberFormat returns the format of a name, which stands for its options. */
function numberFormat(name: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = preferences.locale + ' ' + name
  let format = numbers.get(key)
  if (!format) {
    format = new Intl.NumberFormat(preferences.locale, options)
    numbers.set(key, format)
  }
  return format
}

function formatted(value: string | null | undefined, name: string, options: Intl.NumberFormatOptions): string {
  if (value === null || value === undefined || !isDecimal(value)) return nothing
  return isolated(numberFormat(name, options).format(value))
}

/** isolated keeps text that is written from right to left from being mixed with the words around it. */
function isolated(text: string): string {
  return /[\u0590-\u08ff\u200f]/.test(text) ? `\u2068${text}\u2069` : text
}

/** money formats an amount with the currency's decimals. */
export function money(value: string | null | undefined, currency: string): string {
  return formatted(value, 'money ' + currency, { style: 'currency', currency })
}

/** change formats an amount with its sign. */
export function change(value: string | null | undefined, currency: string): string {
  return formatted(value, 'change ' + currency, { style: 'currency', currency, signDisplay: 'exceptZero' })
}

/** price formats a price with at least the currency's decimals and up to eight, or more of one that is smaller. */
export function price(value: string | null | undefined, currency: string): string {
  const { minimumFractionDigits } = numberFormat('money ' + currency, { style: 'currency', currency }).resolvedOptions()
  const digits = {
    minimumFractionDigits,
    maximumFractionDigits: 8,
    maximumSignificantDigits: 6,
    roundingPriority: 'morePrecision' as const,
  }
  return formatted(value, 'price ' + currency, { style: 'currency', currency, ...digits })
}

/** plain formats a number with all its decimals. */
export function plain(value: string | null | undefined): string {
  return formatted(value, 'plain', { maximumFractionDigits: 20 })
}

/** percent formats a fraction. */
export function percent(fraction: string | null | undefined, signed = false): string {
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: 2 }
  const shown = { style: 'percent' as const, ...digits }
  if (signed) return formatted(fraction, 'gain', { ...shown, signDisplay: 'exceptZero' })
  return formatted(fraction, 'share', shown)
}

export function count(value: number): string {
  return isolated(numberFormat('count', {}).format(value))
}

/** counted returns a number of things that have a regular plural. */
export function counted(value: number, thing: string): string {
  return `${count(value)} ${thing}${value === 1 ? '' : 's'}`
}

/** tone returns the class of a gain or a loss. */
export function tone(value: string | null | undefined): 'gain' | 'loss' | '' {
  const s = value ? sign(value) : 0
  return s > 0 ? 'gain' : s < 0 ? 'loss' : ''
}

const times = new Map<string, Intl.DateTimeFormat>()

function timeFormat(options: Intl.DateTimeFormatOptions, timeZone = preferences.timeZone): Intl.DateTimeFormat {
  const key = preferences.locale + timeZone + JSON.stringify(options)
  let format = times.get(key)
  if (!format) {
    format = new Intl.DateTimeFormat(preferences.locale, { ...options, timeZone })
    times.set(key, format)
  }
  return format
}

/** time formats a moment as the time of its day. */
export function time(moment: string | number): string {
  return isolated(timeFormat({ timeStyle: 'medium' }).format(new Date(moment)))
}

/** clockTime formats a moment as hours and minutes, for the axis of a chart. */
export function clockTime(moment: number): string {
  return timeFormat({ timeStyle: 'short' }).format(new Date(moment))
}

/** moment formats a day and a time. */
export function moment(at: string | number): string {
  return isolated(timeFormat({ dateStyle: 'medium', timeStyle: 'short' }).format(new Date(at)))
}

/** day formats a date of the API, which is the same day in every time zone. */
export function day(date: string): string {
  return isolated(timeFormat({ dateStyle: 'medium' }, 'UTC').format(new Date(date + 'T00:00:00Z')))
}

/** shortDay formats a date for the axis of a chart. */
export function shortDay(seconds: number, withYear: boolean): string {
  const other = withYear ? { year: 'numeric' as const } : { day: 'numeric' as const }
  return timeFormat({ month: 'short', ...other }, 'UTC').format(new Date(seconds * 1000))
}

/** compact formats a number for the axis of a chart. */
export function compact(value: number): string {
  return numberFormat('compact', { notation: 'compact', maximumFractionDigits: 2 }).format(value)
}

// Seconds. A text that changes every second is restless, and hundreds of them are work.
const ageStep = 5

/** age formats milliseconds as an age in words, which are those of the page's language. */
export function age(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  if (seconds < ageStep) return 'just now'
  if (seconds < 60) return `${count(seconds - (seconds % ageStep))} sec ago`
  if (seconds < 3_600) return `${count(Math.floor(seconds / 60))} min ago`
  if (seconds < 172_800) return `${count(Math.floor(seconds / 3_600))} hr ago`
  return `${count(Math.floor(seconds / 86_400))} days ago`
}

/**
 * typed returns what a person typed in their locale's form as a decimal of the API. What
 * could be read in two ways, such as 1,5 where the comma separates thousands, is returned
 * unchanged, for the service to refuse.
 */
export function typed(text: string): string {
  const parts = numberFormat('typed', { useGrouping: true }).formatToParts(-1234567.8)
  const group = parts.find((p) => p.type === 'group')?.value ?? ''
  const decimal = parts.find((p) => p.type === 'decimal')?.value ?? '.'
  const spaceless = latin(text).replace(/\u2212/g, '-').replace(/[\s\u061c\u200e\u200f\u2066-\u2069'’]/g, '')
  const [whole = '', ...rest] = spaceless.split(decimal)
  const groups = group ? whole.split(group) : [whole]
  const grouped = groups.every((g, i) => i === 0 || g.length === 3 || (g.length === 2 && i < groups.length - 1))
  const canonical = [groups.join(''), ...rest].join('.')
  return grouped && isDecimal(canonical) ? canonical : text.trim()
}

/** latin returns text with the digits of the person's locale replaced by 0 to 9. */
function latin(text: string): string {
  const digits = [...numberFormat('digits', { useGrouping: false }).format(9876543210n)].reverse()
  return [...text].map((c) => (digits.includes(c) ? String(digits.indexOf(c)) : c)).join('')
}

/** editable formats a decimal of the API for a field that typed reads. */
export function editable(value: string | undefined): string {
  if (!value || !isDecimal(value)) return value ?? ''
  return numberFormat('editable', { maximumFractionDigits: 20, useGrouping: false }).format(value)
}
