// Which fields each kind of transaction has, as the service checks them.

import type { Schemas } from '../api/client.ts'
import type { Kind } from './words.ts'

export type Input = Schemas['TransactionInput']

export type Field =
  | 'symbol'
  | 'quantity'
  | 'price'
  | 'amount'
  | 'currency'
  | 'to_amount'
  | 'to_currency'
  | 'fee'
  | 'fee_currency'
  | 'tax'
  | 'ratio'
  | 'to_symbol'
  | 'cost_fraction'
  | 'acquired'
  | 'lots'
  | 'transfer'

interface Fields {
  must: Field[]
  may: Field[]
}

export const fieldsOf: Record<Kind, Fields> = {
  BUY: { must: ['symbol', 'quantity', 'price', 'currency'], may: ['fee', 'fee_currency', 'tax', 'amount'] },
  SELL: { must: ['symbol', 'quantity', 'price', 'currency'], may: ['fee', 'fee_currency', 'tax', 'amount', 'lots'] },
  DIVIDEND: { must: ['symbol', 'amount', 'currency'], may: ['tax', 'fee', 'fee_currency'] },
  INTEREST: { must: ['amount', 'currency'], may: ['symbol', 'tax', 'fee', 'fee_currency'] },
  FEE: { must: ['amount', 'currency'], may: ['symbol'] },
  DEPOSIT: { must: ['amount', 'currency'], may: ['fee', 'fee_currency'] },
  WITHDRAWAL: { must: ['amount', 'currency'], may: ['fee', 'fee_currency'] },
  CONVERSION: { must: ['amount', 'currency', 'to_amount', 'to_currency'], may: ['fee', 'fee_currency'] },
  TRANSFER_IN: { must: ['symbol', 'quantity', 'currency'], may: ['amount', 'acquired', 'transfer'] },
  TRANSFER_OUT: { must: ['symbol', 'quantity'], may: ['lots', 'transfer'] },
  RETURN_OF_CAPITAL: { must: ['symbol', 'amount', 'currency'], may: ['fee', 'fee_currency'] },
  SPLIT: { must: ['symbol', 'ratio'], may: ['amount', 'currency'] },
  SPIN_OFF: { must: ['symbol', 'to_symbol', 'ratio'], may: ['cost_fraction'] },
  MERGER: { must: ['symbol', 'to_symbol', 'ratio'], may: ['amount', 'currency'] },
}

export const fieldWord: Record<Field, string> = {
  symbol: 'Symbol',
  quantity: 'Quantity',
  price: 'Price per unit',
  amount: 'Amount',
  currency: 'Currency',
  to_amount: 'Amount received',
  to_currency: 'Currency received',
  fee: 'Fee',
  fee_currency: 'Currency of the fee',
  tax: 'Tax',
  ratio: 'Ratio',
  to_symbol: 'New symbol',
  cost_fraction: 'Share of the cost that moves',
  acquired: 'Acquired on',
  lots: 'Lots',
  transfer: 'Name of the transfer',
}

export const fieldHint: Partial<Record<Field, string>> = {
  amount: 'Before fee and tax',
  fee_currency: 'If it differs',
  cost_fraction: 'From 0 to 1',
  acquired: 'The date, if empty',
  transfer: 'The same on both sides',
  lots: 'One a line: day and quantity, such as 2026-02-28 10. Empty for the portfolio’s cost method.',
}

/** amountWord names the amount of the kinds where it is special. */
export function fieldName(kind: Kind, field: Field): string {
  if (field === 'amount') {
    if (kind === 'BUY' || kind === 'SELL') return 'Settled amount'
    if (kind === 'TRANSFER_IN') return 'Cost'
    if (kind === 'SPLIT' || kind === 'MERGER') return 'Cash for fractions'
    if (kind === 'CONVERSION') return 'Amount paid'
  }
  return fieldWord[field]
}
