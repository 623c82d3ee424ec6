import { expect, it } from 'vitest'
import { marks, ofForm, wanted, wrongIn } from './wrong.ts'

const fields = [
  { path: 'lots[1].quantity', got: '"x"', want: 'a decimal' },
  { path: 'fee', got: '"1e9"', want: 'a decimal' },
]

it('finds what is wrong with a field or a part of it', () => {
  expect(wrongIn(fields, 'lots')).toBe(fields[0])
  expect(wrongIn(fields, 'fee')).toBe(fields[1])
  expect(wrongIn(fields, 'fee_currency')).toBeUndefined()
})

it('says of a field what cannot be read, and not what its empty value means as well', () => {
  const found = [
    { path: 'transaction.lots[0].date', got: '"x"', want: 'a day' },
    { path: 'transaction.quantity', got: '"1e9"', want: 'a decimal as a string, such as "12.50"' },
    { path: 'lots', got: 'two lots', want: 'one' },
    { path: 'quantity', got: '0', want: 'more than 0' },
    { path: 'note', got: '1200 characters', want: 'at most 1000' },
  ]
  const fields = ofForm(found, 'transaction')
  expect(fields.map((f) => f.path)).toEqual(['lots[0].date', 'quantity', 'note'])
  expect(fields.slice(1).map(wanted)).toEqual(['a decimal such as 12.50', 'at most 1000'])
})

it('ties a field to its hint and to what is wrong', () => {
  expect(marks(fields, 'lots', 'f-lots', 'h-lots')).toEqual({ 'aria-invalid': 'true', 'aria-describedby': 'h-lots f-lots-wrong' })
  expect(marks(fields, 'note', 'f-note', 'h-note')).toEqual({ 'aria-describedby': 'h-note' })
  expect(marks(fields, 'note', 'f-note')).toEqual({})
})
