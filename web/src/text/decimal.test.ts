import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { add, compare, divide, isDecimal, multiply, sign, subtract, sum } from './decimal.ts'

const decimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: 0, max: 12 }))
  .map(([units, scale]) => {
    const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0')
    const point = digits.length - scale
    return (units < 0n ? '-' : '') + digits.slice(0, point) + (scale ? '.' + digits.slice(point) : '')
  })

describe('decimals', () => {
  it('are exact where floating point is not', () => {
    expect(add('0.1', '0.2')).toBe('0.3')
    expect(subtract('9007199254740993', '0.000000000001')).toBe('9007199254740992.999999999999')
    expect(multiply('-0.10', '0.3')).toBe('-0.03')
    expect(divide('1', '3', 4)).toBe('0.3333')
    expect(divide('-1', '8', 3)).toBe('-0.125')
    expect(divide('1', '0.00', 3)).toBeNull()
    expect(compare('1.50', '1.5')).toBe(0)
    expect(sum(['1', null])).toBeNull()
    expect(sum([])).toBe('0')
  })

  it('are what the API writes', () => {
    for (const text of ['', '.5', '5.', '1e3', '+1', ' 1', 'NaN', '1,5']) expect(isDecimal(text), text).toBe(false)
    expect(() => sign('1e3')).toThrow('got "1e3", want a decimal')
  })

  it('undo an addition by a subtraction', () => {
    fc.assert(fc.property(decimal, decimal, (a, b) => compare(subtract(add(a, b), b), a) === 0))
  })

  it('are ordered as their difference says', () => {
    fc.assert(fc.property(decimal, decimal, (a, b) => compare(a, b) === sign(subtract(a, b))))
  })
})
