// How soon the page paints and shows its first value, with an empty cache: medians of 5.

import * as b from './browser.mjs'

const runs = 5

const { id } = await b.call('POST', '/v1/portfolios', { name: 'Measured', base_currency: 'USD' })
await b.feed({ ACME: ['182.40', 'USD'] })
await b.call('POST', `/v1/portfolios/${id}/transactions`, {
  kind: 'BUY', date: b.daysAgo(3), symbol: 'ACME', quantity: '80', price: '171.35', currency: 'USD',
})

const median = (list) => list.sort((x, y) => x - y)[Math.floor(list.length / 2)]
const browser = await b.launch()
const paints = []
const values = []
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
  await fresh.context.close()
}
await browser.close()
await b.call('DELETE', `/v1/portfolios/${id}`, undefined, b.key, { 'If-Match': '*' })
console.log(`first contentful paint ${Math.round(median(paints))} ms, first value ${Math.round(median(values))} ms`)
