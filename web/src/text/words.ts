// Words for what the API has as codes.

import type { Schemas } from '../api/client.ts'

export type State = Schemas['Valuation']['state']
export type Kind = Schemas['Transaction']['kind']

/** stateWord is shown where a number stands; a current one needs none. */
export const stateWord: Record<State, string> = {
  priced: '',
  stale: 'Stale price',
  estimated: 'Estimated',
  no_rate: 'No exchange rate',
  no_price: 'No price',
}

/** stateSentence explains the state of a total. */
export const stateSentence: Record<State, string> = {
  priced: 'All prices are current.',
  stale: 'Some prices or exchange rates are stale: newer ones should have arrived.',
  estimated: 'Some holdings have no quote. The price of their last trade is used instead.',
  no_rate: 'There is no total, because an exchange rate is missing.',
  no_price: 'There is no total, because a price is missing.',
}

export const kindWord: Record<Kind, string> = {
  BUY: 'Buy',
  SELL: 'Sell',
  DIVIDEND: 'Dividend',
  INTEREST: 'Interest',
  FEE: 'Fee',
  DEPOSIT: 'Deposit',
  WITHDRAWAL: 'Withdrawal',
  CONVERSION: 'Currency conversion',
  TRANSFER_IN: 'Transfer in',
  TRANSFER_OUT: 'Transfer out',
  RETURN_OF_CAPITAL: 'Return of capital',
  SPLIT: 'Split',
  SPIN_OFF: 'Spin-off',
  MERGER: 'Merger',
}

export const whyWord: Record<NonNullable<Schemas['Return']['why']>, string> = {
  no_root: 'no rate of return fits these payments; an approximation is shown',
  many_roots: 'several rates of return fit these payments; an approximation is shown',
  no_capital: 'no capital was invested in this period',
  unpriced: 'a price or an exchange rate of this period is missing',
}

export const sourceState: Record<Schemas['Source']['state'], string> = {
  idle: 'Not asked yet',
  working: 'Working',
  limited: 'Waiting: its limit of calls is reached',
  refused: 'Refused: its key is not accepted',
  failing: 'Failing',
}

export const signInError: Record<string, string> = {
  access_denied: 'The provider refused to sign you in.',
  unknown_subject: 'Your account has no access to this service. Ask whoever runs it.',
  expired: 'This link has expired or was used already. Run make demo again for a new one.',
  rate_limited: 'Too many people tried to sign in from this address. Wait a minute and try again.',
  failed: 'Signing in failed. Try again.',
}
