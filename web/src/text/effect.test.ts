import { expect, it } from 'vitest'
import { effects } from './effect.ts'

it('lists what differs, and nothing else', () => {
  const before = {
    holdings: [
      { symbol: 'ACME', quantity: '10', cost: '100', currency: 'USD', realised: '0' },
      { symbol: 'OLD', quantity: '1', cost: '5', currency: 'EUR', realised: '0' },
      { symbol: 'SAME', quantity: '3.0', cost: '5', currency: 'EUR', realised: '0' },
    ],
    cash: { USD: '50' },
  }
  const after = {
    holdings: [
      { symbol: 'ACME', quantity: '4', cost: '40', currency: 'USD', realised: '12.5' },
      { symbol: 'NEW', quantity: '2', cost: '7', currency: 'CHF', realised: '0' },
      { symbol: 'SAME', quantity: '3', cost: '5.00', currency: 'EUR', realised: '0' },
    ],
    cash: { USD: '50.00', CHF: '-7' },
  }
  expect(effects(before, after)).toEqual([
    { what: 'ACME, units', before: '10', after: '4', currency: '' },
    { what: 'ACME, cost', before: '100', after: '40', currency: 'USD' },
    { what: 'ACME, realised gain', before: '0', after: '12.5', currency: 'USD' },
    { what: 'NEW, units', before: '0', after: '2', currency: '' },
    { what: 'NEW, cost', before: '0', after: '7', currency: 'CHF' },
    { what: 'OLD, units', before: '1', after: '0', currency: '' },
    { what: 'OLD, cost', before: '5', after: '0', currency: 'EUR' },
    { what: 'Cash CHF', before: '0', after: '-7', currency: 'CHF' },
  ])
})
