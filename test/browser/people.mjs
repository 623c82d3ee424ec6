// What the files of tests share: a portfolio with a history, and a person who looks at it.

import assert from 'node:assert/strict'
import * as b from './browser.mjs'

export const views = ['Overview', 'Holdings', 'Transactions', 'Import', 'Performance', 'Settings']
export const hostile = `<img src=x onerror="window.harm=1"> \u202egnp.exe ${'x'.repeat(900)}`
export const rates = { EUR: '1.1620' }

/** portfolio creates one whose symbols end in a suffix, so that files of tests do not move each other's prices. */
export async function portfolio(suffix = '') {
  const [acme, globex, umbra] = ['ACME', 'GLOBEX', 'UMBRA'].map((s) => s + suffix)
  const prices = { [acme]: ['182.40', 'USD'], [globex]: ['81.15', 'USD'], [umbra]: ['104.90', 'EUR'] }
  await b.past(prices, rates, 45)
  await b.feed(prices, rates)
  const { id } = await b.call('POST', '/v1/portfolios', { name: 'Demo', base_currency: 'USD' })
  const path = `/v1/portfolios/${id}`
  for (const t of [
    { kind: 'DEPOSIT', date: b.daysAgo(40), amount: '50000', currency: 'USD' },
    { kind: 'DEPOSIT', date: b.daysAgo(40), amount: '10000', currency: 'EUR' },
    { kind: 'BUY', date: b.daysAgo(39), symbol: acme, quantity: '80', price: '171.35', currency: 'USD', fee: '4.95' },
    { kind: 'BUY', date: b.daysAgo(38), symbol: globex, quantity: '120.5', price: '75.20', currency: 'USD' },
    { kind: 'BUY', date: b.daysAgo(37), symbol: umbra, quantity: '60', price: '98.40', currency: 'EUR', note: hostile },
    { kind: 'SELL', date: b.daysAgo(20), symbol: acme, quantity: '20', price: '176', currency: 'USD' },
    { kind: 'DIVIDEND', date: b.daysAgo(10), symbol: globex, amount: '36.15', currency: 'USD' },
  ]) {
    await b.call('POST', `${path}/transactions`, t)
  }
  return { id, path, prices, acme, globex, umbra }
}

/** wide creates a portfolio with the longest names and the largest numbers, and returns its ID. */
export async function wide() {
  const { id } = await b.call('POST', '/v1/portfolios', { name: 'W'.repeat(100), base_currency: 'USD' })
  await b.feed({ WIDE: ['98765432.12345678', 'USD'], TINY: ['0.000000000001', 'USD'] })
  await b.call('PUT', '/v1/instruments/WIDE', { name: 'W'.repeat(200), asset_class: 'etf' })
  for (const [symbol, quantity, price] of [
    ['WIDE', '1234567890.12345678', '98765432.1'],
    ['TINY', '999999999999999999.123456789012', '0.000000000001'],
  ]) {
    const note = `\u202e${'N'.repeat(999)}`
    const buy = { kind: 'BUY', date: b.daysAgo(9), symbol, quantity, price, currency: 'USD', note }
    await b.call('POST', `/v1/portfolios/${id}/transactions`, buy)
  }
  return id
}

let session // of the first visit, which the next ones go on with

/** visit shows a person their portfolio, runs what they do, and checks what must never happen. */
export async function visit(browser, id, options, act) {
  const v = await b.visitor(browser, { ...options, storageState: session })
  const hash = `#/overview?p=${id}`
  try {
    if (session) {
      await v.tab.goto(b.page + hash)
      await b.live(v.tab)
    } else {
      await b.signIn(v.tab, b.key, hash)
      session = await v.context.storageState()
    }
    await act(v.tab, v)
    assert.deepEqual(v.faults, [])
  } finally {
    await v.context.close()
  }
}

/** loaded waits until a view has what it asked for. */
export async function loaded(tab) {
  await tab.getByRole('heading', { level: 1 }).first().waitFor({ state: 'attached' })
  await tab.waitForFunction(() => !document.querySelector('[aria-busy=true]'))
}

/** file is a broker's file that begins with the columns of a layout that is known. */
export function quotesFile(rows) {
  const columns =
    'Symbol,Current Price,Date,Time,Change,Open,High,Low,Volume,Trade Date,Purchase Price,Quantity,Commission,High Limit,Low Limit,Comment\n'
  const row = ([symbol, price, quantity, comment]) =>
    `${symbol},52.05,2026/03/02,16:00 EST,1.31,51.2,53.4,51.1,5346,${b.daysAgo(9).replaceAll('-', '')},${price},${quantity},1.00,,,${comment}\n`
  return columns + rows.map(row).join('') + 'ODD.XYZ,1,2026/03/02,15:30 KST,100,1,1,1,1,20260302,1,3,0,,,\n'
}

/** drop gives a file to the view Import. */
export async function drop(tab, name, text) {
  await tab.getByLabel('or choose one').setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(text) })
}
