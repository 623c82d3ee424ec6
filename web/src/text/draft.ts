// A transaction as it is typed: every field is text in the person's locale.

import { fieldsOf, type Field, type Input } from './kinds.ts'
import { editable, typed } from './format.ts'
import type { Kind } from './words.ts'
import type { Schemas } from '../api/client.ts'

export interface Draft extends Record<Exclude<Field, 'ratio'>, string> {
  kind: Kind
  date: string
  time: string
  note: string
  ratio_new: string
  ratio_old: string
}

export function draft(date: string, currency: string): Draft {
  return {
    kind: 'BUY', date, time: '', note: '', symbol: '', quantity: '', price: '', amount: '', currency, to_amount: '',
    to_currency: '', fee: '', fee_currency: '', tax: '', ratio_new: '', ratio_old: '', to_symbol: '', cost_fraction: '',
    acquired: '', lots: '', transfer: '',
  }
}

/** draftOf returns a recorded transaction as it is edited. */
export function draftOf(t: Schemas['Transaction']): Draft {
  return {
    ...draft(t.date, t.currency ?? ''),
    kind: t.kind,
    time: t.time ?? '',
    note: t.note ?? '',
    symbol: t.symbol ?? '',
    quantity: editable(t.quantity),
    price: editable(t.price),
    amount: editable(t.amount),
    to_amount: editable(t.to_amount),
    to_currency: t.to_currency ?? '',
    fee: t.fee === '0' ? '' : editable(t.fee),
    fee_currency: t.fee_currency ?? '',
    tax: editable(t.tax),
    ratio_new: t.ratio ? String(t.ratio.new) : '',
    ratio_old: t.ratio ? String(t.ratio.old) : '',
    to_symbol: t.to_symbol ?? '',
    cost_fraction: editable(t.cost_fraction),
    acquired: t.acquired ?? '',
    lots: (t.lots ?? []).map((l) => `${l.date} ${editable(l.quantity)}`).join('\n'),
    transfer: t.transfer ?? '',
  }
}

const numeric: Field[] = ['quantity', 'price', 'amount', 'to_amount', 'fee', 'tax', 'cost_fraction']

/**
 * missingIn returns the fields that the kind must have and that are empty. The service takes
 * an absent price for a gift, which a person has to type as 0.
 */
export function missingIn(d: Draft): { path: string; got: string; want: string }[] {
  const empty = fieldsOf[d.kind].must.filter((f) =>
    f === 'ratio' ? !d.ratio_new.trim() || !d.ratio_old.trim() : !d[f].trim(),
  )
  return [...(d.date ? [] : ['date']), ...empty].map((path) => ({ path, got: 'nothing', want: 'a value' }))
}

/** inputOf returns what is sent: the fields that the kind has and that are filled. */
export function inputOf(d: Draft): Input {
  const { must, may } = fieldsOf[d.kind]
  const input: Record<string, unknown> = { kind: d.kind, date: d.date }
  for (const field of [...must, ...may]) {
    if (field === 'ratio') {
      input.ratio = { new: whole(d.ratio_new), old: whole(d.ratio_old) }
      continue
    }
    const text = d[field].trim()
    if (!text) continue
    if (numeric.includes(field)) input[field] = typed(text)
    else if (field === 'lots') input.lots = lotsOf(text)
    else input[field] = field === 'acquired' || field === 'transfer' ? text : text.toUpperCase()
  }
  if (d.time) input.time = d.time
  if (d.note) input.note = d.note
  return input as unknown as Input
}

/** whole returns a whole number, or text that is not one as it was typed, for the service to refuse. */
function whole(text: string): number | string {
  const decimal = typed(text)
  const value = Number(decimal)
  return /^[0-9]+$/.test(decimal) && Number.isSafeInteger(value) ? value : text.trim()
}

function lotsOf(text: string): Schemas['LotChoice'][] {
  return text
    .split('\n')
    .filter((line) => line.trim())
    .map((line) => {
      const [date = '', ...rest] = line.trim().split(/\s+/)
      return { date, quantity: typed(rest.join('')) }
    })
}
