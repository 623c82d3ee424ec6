import { expect, it } from 'vitest'
import { marks, wrongIn } from './wrong.ts'

const fields = [
  { path: 'lots[1].quantity', got: '"x"', want: 'a decimal' },
  { path: 'fee', got: '"1e9"', want: 'a decimal' },
]

it('finds what is wrong with a field or a part of it', () => {
  expect(wrongIn(fields, 'lots')).toBe(fields[0])
  expect(wrongIn(fields, 'fee')).toBe(fields[1])
  expect(wrongIn(fields, 'fee_currency')).toBeUndefined()
})

it('ties a field to its hint and to what is wrong', () => {
  expect(marks(fields, 'lots', 'f-lots', 'h-lots')).toEqual({ 'aria-invalid': 'true', 'aria-describedby': 'h-lots f-lots-wrong' })
  expect(marks(fields, 'note', 'f-note', 'h-note')).toEqual({ 'aria-describedby': 'h-note' })
  expect(marks(fields, 'note', 'f-note')).toEqual({})
})
