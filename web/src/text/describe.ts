import type { Schemas } from '../api/client.ts'
import { money, plain, price } from './format.ts'

type Described = Pick<
  Schemas['PreviewTransaction'],
  | 'kind' | 'symbol' | 'quantity' | 'price' | 'amount' | 'currency' | 'fee' | 'tax'
  | 'to_amount' | 'to_currency' | 'to_symbol' | 'ratio' | 'fee_currency'
>

/** details describes a transaction in one line, without its kind, its day and its symbol. */
export function details(t: Described): string {
  const parts: string[] = []
  const currency = t.currency ?? ''
  if (t.quantity) {
    const each = t.price === undefined ? 'units' : `at ${price(t.price, currency)}`
    parts.push(`${plain(t.quantity)} ${each}`)
  }
  if (t.amount && t.price === undefined) parts.push(currency ? money(t.amount, currency) : plain(t.amount))
  if (t.to_amount && t.to_currency) parts.push(`to ${money(t.to_amount, t.to_currency)}`)
  if (t.ratio && t.ratio.new > 0) parts.push(`${t.ratio.new} for ${t.ratio.old}`)
  if (t.to_symbol) parts.push(`into ${t.to_symbol}`)
  if (t.fee && t.fee !== '0') parts.push(`fee ${money(t.fee, t.fee_currency || currency || 'XXX')}`)
  if (t.tax && t.tax !== '0') parts.push(`tax ${money(t.tax, currency || 'XXX')}`)
  return parts.join(', ')
}
