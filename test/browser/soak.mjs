// 300 positions under 50 quote updates a second: do frames stay short and memory flat, and
// is the last number that of the API? A second tab and a second user are connected meanwhile.

import assert from 'node:assert/strict'
import { loadavg } from 'node:os'
import * as b from './browser.mjs'
import { about, print } from './report.mjs'

const minutes = Number(process.env.MINUTES ?? '10')
if (!(minutes > 0)) throw new Error(`MINUTES: got ${process.env.MINUTES}, want a number above 0`)
const positions = 300
const batches = 5 // a second
const updates = 10 // of a batch
const frameLimit = 25 // ms, for 95 % of the frames
const growthLimit = 0.1
const loadBefore = loadavg()[0]

const symbols = Array.from({ length: positions }, (_, i) => `SOAK${String(i).padStart(3, '0')}`)
const price = () => (50 + Math.random() * 100).toFixed(2)

async function portfolio(key) {
  const { id } = await b.call('POST', '/v1/portfolios', { name: 'Soak', base_currency: 'USD', track_cash: false }, key)
  const header = 'kind,date,symbol,quantity,price,currency\n'
  const rows = symbols.map((s, i) => `BUY,${b.daysAgo(30)},${s},${i + 1},100,USD\n`).join('')
  const response = await fetch(new URL(`./v1/portfolios/${id}/transactions.csv`, b.page), {
    method: 'POST', body: header + rows, headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'text/csv' },
  })
  assert.equal(response.status, 201, await response.text())
  return id
}

async function feedSome(list) {
  await b.feed(Object.fromEntries(list.map((s) => [s, [price(), 'USD']])))
}

async function memory(tab) {
  const devtools = await tab.context().newCDPSession(tab)
  for (let i = 0; i < 2; i++) await devtools.send('HeapProfiler.collectGarbage')
  const { usedSize } = await devtools.send('Runtime.getHeapUsage')
  await devtools.detach()
  return usedSize
}

const browser = await b.launch()
const other = process.env.PORTFOLIO_OTHER_KEY
const mine = await portfolio(b.key)
const theirs = await portfolio(other)
for (let i = 0; i < positions; i += 100) await feedSome(symbols.slice(i, i + 100))

const { context, tab } = await b.visitor(browser)
await b.signIn(tab, b.key, `#/holdings?p=${mine}`)
const second = await context.newPage()
await second.goto(`${b.page}#/overview?p=${mine}`)
await b.live(second)
const neighbour = await b.visitor(browser)
await b.signIn(neighbour.tab, other, `#/overview?p=${theirs}`)
await tab.bringToFront()
await tab.getByRole('row', { name: /SOAK299/ }).waitFor()
await tab.evaluate(() => {
  // Counts of frames by tenths of a millisecond; the last one is of all longer ones. It does
  // not grow with the frames, whose memory is not the page's.
  window.frames = new Uint32Array(100_000)
  let last = performance.now()
  const frame = (now) => {
    window.frames[Math.min(window.frames.length - 1, Math.ceil((now - last) * 10))]++
    last = now
    requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
})

let next = 0
let running = true
const feeding = (async () => {
  const start = Date.now()
  for (let n = 0; running; n++) {
    await feedSome(Array.from({ length: updates }, () => symbols[next++ % positions]))
    const due = start + ((n + 1) * 1000) / batches - Date.now()
    if (due > 0) await new Promise((r) => setTimeout(r, due))
  }
})()

const warmUp = 60_000 // code is compiled and the chart of the day fills first
await tab.waitForTimeout(Math.min(warmUp, (minutes * 60_000) / 5))
const heap = [await memory(tab)]
await tab.evaluate(() => void window.frames.fill(0))
const end = Date.now() + minutes * 60_000
while (Date.now() < end) {
  await tab.waitForTimeout(Math.min(60_000, Math.max(0, end - Date.now())))
  heap.push(await memory(tab))
  console.error(`${Math.round((end - Date.now()) / 60_000)} min left, heap ${(heap.at(-1) / 1e6).toFixed(1)} MB`)
}
const counts = await tab.evaluate(() => [...window.frames])
running = false
await feeding

const valuation = await b.call('GET', `/v1/portfolios/${mine}/valuation`)
await b.show(tab, 'Overview')
for (const page of [tab, second]) {
  await page.bringToFront()
  await b.eventually(async () => assert.equal(await b.total(page), b.money(valuation.total)))
}
await neighbour.tab.bringToFront()
const theirValuation = await b.call('GET', `/v1/portfolios/${theirs}/valuation`, undefined, other)
await b.eventually(async () => assert.equal(await b.total(neighbour.tab), b.money(theirValuation.total)))
await b.show(tab, 'Holdings')
await tab.bringToFront()
const dollars = (options) => new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD', ...options })
const signed = dollars({ signDisplay: 'exceptZero' })
const quotes = new Map(valuation.quotes.map((q) => [q.symbol, q.price]))
await b.eventually(async () => {
  const shown = await tab.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll('tbody tr')].map((r) => [r.querySelector('a')?.textContent, r.textContent]),
    ),
  ) // a row out of sight has no innerText
  for (const p of valuation.positions) {
    const row = shown[p.symbol] ?? ''
    const numbers = [
      b.money(quotes.get(p.symbol)), b.money(p.base_value),
      signed.format(p.base_unrealised), signed.format(p.day_change),
    ]
    for (const n of numbers) assert.ok(row.includes(n), `${p.symbol}: got ${row}, want ${n}`)
  }
})
await browser.close()
for (const [id, key] of [[mine, b.key], [theirs, other]]) {
  await b.call('DELETE', `/v1/portfolios/${id}`, undefined, key, { 'If-Match': '*' })
}

const drawn = counts.reduce((sum, n) => sum + n, 0)

/** within returns the time in milliseconds that a share of the frames took at most. */
function within(share) {
  let sum = 0
  return counts.findIndex((n) => (sum += n) >= drawn * share) / 10
}

const growth = Math.max(...heap) / heap[0] - 1
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`
print(
  'The page under load',
  about('soak', loadBefore),
  [
    ['95 % of the frames', `≤ ${frameLimit} ms`, `${within(0.95).toFixed(1)} ms`, within(0.95) <= frameLimit],
    ['growth of the heap', `≤ ${growthLimit * 100} %`, `${(growth * 100).toFixed(1)} %`, growth <= growthLimit],
    ['numbers at the end', "the API's", 'the same', true],
  ],
  `${positions} positions under ${batches * updates} quotes a second for ${minutes} minutes, beside a second tab ` +
    `and a second user. Of ${drawn} frames half took\n` +
    `at most ${within(0.5).toFixed(1)} ms and 99 % at most ${within(0.99).toFixed(1)} ms. ` +
    `The heap, after garbage collection, was ${megabytes(heap[0])} after the first\n` +
    `minute, at most ${megabytes(Math.max(...heap))} at the end of another, and ${megabytes(heap.at(-1))} at the end.`,
)
