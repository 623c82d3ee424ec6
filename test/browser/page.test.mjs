// People at the page, on the local platform. Nothing is faked: test/live runs this.

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import * as b from './browser.mjs'
import * as people from './people.mjs'

let browser
let demo // the portfolio
let portfolio // its path in the API

before(async () => {
  browser = await b.launch()
  demo = await people.portfolio()
  portfolio = demo.path
})
after(() => browser?.close())

const visit = (options, act) => people.visit(browser, demo.id, options, act)

test('a person signs in and sees the value that the API has', async () => {
  await visit({}, async (tab, { requests }) => {
    await b.eventually(async () => {
      const valuation = await b.call('GET', `${portfolio}/valuation`)
      assert.equal(await b.total(tab), b.money(valuation.total))
    })
    for (const view of people.views) {
      await b.show(tab, view)
      await people.loaded(tab)
    }
    const policy = (await fetch(b.page)).headers.get('Content-Security-Policy')
    const [, socket] = /connect-src 'self' (\S+);/.exec(policy)
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/)
    assert.doesNotMatch(policy, /unsafe/)
    const allowed = [new URL(b.page).origin, new URL(socket).origin]
    const others = requests.map((r) => new URL(r).origin).filter((o) => !allowed.includes(o))
    assert.deepEqual(others, [], 'requests go to the platform alone')
    const kept = await tab.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]))
    assert.ok(!kept.includes('pfk_'), kept)
  })
})

test('pictures of the overview', async () => {
  const folder = setting('PORTFOLIO_PICTURES')
  mkdirSync(folder, { recursive: true })
  await b.feed(demo.prices, people.rates)
  await visit({}, async (tab) => {
    await tab.getByRole('img', { name: /^Value over time/ }).waitFor()
    await tab.getByRole('table', { name: 'All portfolios' }).waitFor()
    const desktop = { width: 1180, height: 760 }
    for (const [name, colorScheme, size] of [
      ['light', 'light', desktop], ['dark', 'dark', desktop], ['phone', 'light', b.sizes.phone],
    ]) {
      await tab.emulateMedia({ colorScheme })
      await tab.setViewportSize(size)
      await tab.waitForTimeout(1_000) // the chart is drawn again
      await tab.screenshot({ path: `${folder}/page-${name}.png` })
    }
  })
})

test('the chart of today knows what was before the page was opened', async () => {
  await visit({}, async (tab) => {
    await tab.getByRole('button', { name: '1D' }).click()
    const chart = tab.getByRole('img', { name: /^Value over time: .*close of/ })
    await chart.waitFor()
    const today = b.daysAgo(0)
    const [within, closes] = await Promise.all([
      b.call('GET', `${portfolio}/history?interval=5m&from=${today}&to=${today}`),
      b.call('GET', `${portfolio}/history?from=${b.daysAgo(1)}&to=${today}`),
    ])
    const values = [...within.items, closes.items[0]].map((item) => b.money(item.total))
    const { width, height } = await chart.boundingBox()
    await chart.hover({ position: { x: width / 3, y: height / 2 } })
    const caption = await tab.locator('figcaption').first().innerText()
    assert.ok(values.some((value) => caption.endsWith(value)), `${caption} is one of ${values.length} values`)
  })
})

test('holdings have the names and classes of their instruments', async () => {
  await b.call('PUT', `/v1/instruments/${demo.globex}`, { name: 'Globex <i>World</i>', asset_class: 'etf' })
  await visit({}, async (tab) => {
    const allocation = tab.getByRole('table', { name: /^Allocation by/ })
    await allocation.getByRole('link', { name: 'Globex <i>World</i>' }).waitFor()
    await tab.getByRole('button', { name: 'Class' }).click()
    await allocation.getByRole('row', { name: /^ETFs/ }).waitFor()
    await allocation.getByRole('row', { name: /^Class not known/ }).waitFor()
    await b.show(tab, 'Holdings')
    await tab.getByRole('table', { name: 'Holdings' }).getByRole('row', { name: /Globex <i>World<\/i>\s+GLOBEX/ }).waitFor()
  })
})

test('what a source proposes is accepted or dismissed', async () => {
  const id = setting('PORTFOLIO_PROPOSED')
  await people.visit(browser, id, {}, async (tab) => {
    await b.show(tab, 'Transactions')
    const proposed = tab.getByRole('region', { name: 'Proposed' })
    await proposed.getByText(/10\.00, from tiingo/).waitFor() // 0.25 for each of 40 units
    await tab.screenshot({ path: `${setting('PORTFOLIO_PICTURES')}/proposals.png` })
    await proposed.getByRole('button', { name: /^Accept Dividend PROPOSED/ }).click()
    const form = tab.getByRole('dialog', { name: 'Accept proposal' })
    await form.getByRole('table').waitFor()
    await form.getByRole('button', { name: 'Record' }).click()
    await tab.getByRole('table', { name: 'Transactions' }).getByText('Dividend PROPOSED').waitFor()
    await proposed.getByRole('button', { name: /^Dismiss Split PROPOSED/ }).click()
    await proposed.waitFor({ state: 'detached' })
  })
  const { items } = await b.call('GET', `/v1/portfolios/${id}/transactions`)
  assert.deepEqual(items.map((t) => t.kind).sort(), ['BUY', 'DIVIDEND'])
})

test('a wrong key is refused in words, whatever the language of the browser', async () => {
  const { context, tab } = await b.visitor(browser)
  // Chromium's where LANG is C, which Intl does not accept.
  await tab.addInitScript(() => Object.defineProperty(Navigator.prototype, 'language', { get: () => 'en-US@posix', configurable: true }))
  await tab.goto(b.page)
  await tab.getByRole('textbox', { name: 'API key' }).fill('pfk_wrong')
  await tab.getByRole('button', { name: 'Sign in' }).click()
  const alert = tab.getByRole('alert')
  await alert.waitFor()
  assert.match(await alert.innerText(), /This key is not valid[\s\S]*Request/)
  await context.close()
})

test('a price moves within a second of being fed', async () => {
  await visit({}, async (tab) => {
    await b.show(tab, 'Holdings')
    const row = tab.getByRole('table', { name: 'Holdings' }).getByRole('row', { name: /ACME/ })
    await row.waitFor()
    const took = []
    for (const price of ['190.11', '190.22', '190.33', '190.44', '190.55']) {
      await b.feed({ ACME: [price, 'USD'] })
      const fed = Date.now()
      await row.getByText(b.money(price)).waitFor({ timeout: 10_000 })
      took.push(Date.now() - fed)
    }
    // Deploys of other tests may run on the same machine.
    assert.ok(Math.min(...took) <= 1_000, `took ${took} ms`)
  })
})

test('a transaction that is added shows what it does, and is seen in a second browser', async () => {
  await visit({}, async (tab) => {
    await visit({}, async (other) => {
      await b.show(other, 'Holdings')
      await b.show(tab, 'Transactions')
      await tab.getByRole('button', { name: 'Add transaction' }).click()
      const form = tab.getByRole('dialog', { name: 'Add transaction' })
      await form.getByLabel('Symbol').fill('INITECH')
      await form.getByLabel('Quantity').fill('1,000')
      await form.getByLabel('Price per unit').fill('2.5')
      await form.getByRole('button', { name: 'Check' }).click()
      const effect = form.getByRole('table', { name: 'What changes' })
      await effect.waitFor()
      assert.match(await effect.innerText(), /INITECH, units\s+0\s+1,000/)
      assert.match(await effect.innerText(), /INITECH, cost\s+\$0.00\s+\$2,500.00/)
      await form.getByRole('button', { name: 'Save' }).click()
      await form.waitFor({ state: 'detached' })
      await tab.getByRole('table', { name: 'Transactions' }).getByText('Buy INITECH').waitFor()
      const row = other.getByRole('table', { name: 'Holdings' }).getByRole('row', { name: /INITECH/ })
      await row.waitFor()
      assert.match(await row.innerText(), /Estimated/, 'nobody has fed a price of it')
    })
  })
})

test('a conflict between two edits is explained', async () => {
  await visit({}, async (tab) => {
    await b.show(tab, 'Transactions')
    await tab.getByRole('button', { name: /Edit Dividend GLOBEX/ }).click()
    const form = tab.getByRole('dialog', { name: 'Edit transaction' })
    const { items } = await b.call('GET', `${portfolio}/transactions`)
    const dividend = items.find((t) => t.kind === 'DIVIDEND')
    const theirs = { kind: 'DIVIDEND', date: dividend.date, symbol: 'GLOBEX', amount: '40', currency: 'USD' }
    await b.call('PUT', `${portfolio}/transactions/${dividend.id}`, theirs, b.key, { 'If-Match': '*' })
    await form.getByLabel('Amount').fill('41')
    await form.getByRole('button', { name: 'Check' }).click()
    await form.getByRole('button', { name: 'Save' }).click()
    await form.getByText('Somebody changed this transaction while you edited it.').waitFor()
    assert.match(await form.innerText(), /\$40\.00/)
    await form.getByRole('button', { name: 'Continue with mine' }).click()
    await form.getByRole('button', { name: 'Check' }).click()
    await form.getByRole('button', { name: 'Save' }).click()
    await form.waitFor({ state: 'detached' })
    const after = await b.call('GET', `${portfolio}/transactions/${dividend.id}`)
    assert.equal(after.amount, '41')
  })
})

test('a file is imported, is recognised the second time, and is undone', async () => {
  await visit({}, async (tab) => {
    const csv = people.quotesFile([['HOOLI', '49.04', '17', '<b>bold</b>']])
    const drop = async () => {
      await b.show(tab, 'Import')
      await people.drop(tab, '<i>quotes</i>.csv', csv)
    }
    await drop()
    await tab.getByText('These rows cannot be read.').waitFor()
    await tab.getByRole('table', { name: 'What changes' }).getByText('HOOLI, units').waitFor()
    await tab.getByRole('button', { name: /^Record 1 transaction/ }).click()
    await tab.getByText('Recorded 1 transaction.').waitFor()

    await tab.getByRole('button', { name: 'Choose another file' }).click()
    await drop()
    await tab.getByText('already recorded', { exact: true }).waitFor()
    assert.ok(await tab.getByRole('button', { name: 'Nothing is new' }).isDisabled())

    await tab.getByRole('button', { name: 'Choose another file' }).click()
    const more = csv.replace('HOOLI', 'PIEDPIPER')
    await people.drop(tab, 'more.csv', more)
    await tab.getByRole('button', { name: /^Record 1 transaction/ }).click()
    await tab.getByRole('button', { name: 'Undo the import' }).click()
    await tab.getByText('The import was undone.').waitFor()
    const { holdings } = await b.call('GET', `${portfolio}/holdings`)
    assert.ok(holdings.some((h) => h.symbol === 'HOOLI'))
    assert.ok(!holdings.some((h) => h.symbol === 'PIEDPIPER' && h.quantity !== '0'))
  })
})

test('the network is lost and regained without losing a value', async () => {
  await visit({}, async (tab, { context }) => {
    await context.setOffline(true)
    const status = tab.getByRole('status', { name: 'Connection' })
    await status.filter({ hasText: 'Offline' }).waitFor({ timeout: 20_000 })
    await b.feed({ ACME: ['201.00', 'USD'], GLOBEX: ['90.01', 'USD'] })
    assert.match(await tab.locator('main').innerText(), /Not connected: these are the values of/)
    await context.setOffline(false)
    await b.live(tab)
    await b.eventually(async () => {
      const valuation = await b.call('GET', `${portfolio}/valuation`)
      assert.equal(await b.total(tab), b.money(valuation.total))
    })
  })
})

test('a key that was revoked while offline signs out on reconnection', async () => {
  const made = await b.call('POST', '/v1/keys', { label: 'to be revoked', scopes: ['read'] })
  const v = await b.visitor(browser)
  await b.signIn(v.tab, made.key)
  await v.context.setOffline(true)
  await v.tab.getByRole('status', { name: 'Connection' }).filter({ hasText: 'Offline' }).waitFor({ timeout: 20_000 })
  await b.call('DELETE', `/v1/keys/${made.id}`)
  await v.context.setOffline(false)
  await v.tab.getByRole('textbox', { name: 'API key' }).waitFor({ timeout: 2_000 })
  await v.context.close()
})

test('revoking a key signs out within two seconds', async () => {
  const made = await b.call('POST', '/v1/keys', { label: 'to be revoked', scopes: ['read'] })
  const v = await b.visitor(browser)
  await b.signIn(v.tab, made.key)
  await b.call('DELETE', `/v1/keys/${made.id}`)
  await v.tab.getByRole('textbox', { name: 'API key' }).waitFor({ timeout: 2_000 })
  const text = await v.tab.locator('body').innerText()
  assert.match(text, /Your session has ended/)
  assert.doesNotMatch(text, /ACME|\$/)
  await v.context.close()
})

function setting(name) {
  const value = process.env[name]
  if (!value) throw new Error(`${name}: got nothing, want a folder`)
  return value
}
