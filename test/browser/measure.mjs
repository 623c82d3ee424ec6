// How soon the page paints and shows its first value, with an empty cache: medians of 5.

import { loadavg } from 'node:os'
import * as b from './browser.mjs'
import { about, print } from './report.mjs'

const runs = 5
const before = loadavg()[0]

const { id } = await b.call('POST', '/v1/portfolios', { name: 'Measured', base_currency: 'USD' })
await b.feed({ ACME: ['182.40', 'USD'] })
await b.call('POST', `/v1/portfolios/${id}/transactions`, {
  kind: 'BUY', date: b.daysAgo(3), symbol: 'ACME', quantity: '80', price: '171.35', currency: 'USD',
})

const median = (list) => list.sort((x, y) => x - y)[Math.floor(list.length / 2)]
const browser = await b.launch()
const paints = []
const values = []
let sizes
for (let i = 0; i < runs; i++) {
  // The browser's profile is new, so nothing is cached; the session is kept.
  const { context, tab } = await b.visitor(browser)
  await b.signIn(tab)
  const state = await context.storageState()
  await context.close()
  const fresh = await b.visitor(browser, { storageState: state })
  await fresh.tab.addInitScript(() => {
    const look = () => {
      const shown = document.querySelector('[aria-labelledby=total-label]')?.textContent ?? ''
      if (/\d/.test(shown)) window.firstValue = performance.now()
      else requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  })
  await fresh.tab.goto(`${b.page}#/overview?p=${id}`)
  await fresh.tab.waitForFunction(() => window.firstValue > 0)
  values.push(await fresh.tab.evaluate(() => window.firstValue))
  paints.push(await fresh.tab.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime))
  sizes = await fresh.tab.evaluate(() => {
    const sum = (entries) => entries.reduce((bytes, e) => bytes + e.encodedBodySize, 0)
    const loaded = performance.getEntriesByType('resource').filter((e) => !e.name.includes('/v1/'))
    const code = loaded.filter((e) => /\.(js|css)$/.test(e.name))
    return { code: sum(code), all: sum([...performance.getEntriesByType('navigation'), ...loaded]) }
  })
  await fresh.context.close()
}
await browser.close()
await b.call('DELETE', `/v1/portfolios/${id}`, undefined, b.key, { 'If-Match': '*' })
const kilobytes = (bytes) => `${Math.ceil(bytes / 1000)} KB`
const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`
const [paint, value] = [median(paints), median(values)]
print('The page', `${about('page-bench', before)} Times are medians of ${runs} with an empty cache.`, [
  ['JavaScript and CSS of the first view, compressed', '≤ 110 KB', kilobytes(sizes.code), sizes.code > 0 && sizes.code <= 110_000],
  ['all of the page, compressed', '≤ 200 KB', kilobytes(sizes.all), sizes.all <= 200_000],
  ['first contentful paint', '≤ 0.5 s', seconds(paint), paint <= 500],
  ['first value', '≤ 1 s', seconds(value), value <= 1_000],
])
