// People at the page, on the local platform. Nothing is faked: test/live runs this.

import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { mkdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import AxeBuilder from '@axe-core/playwright'
import * as b from './browser.mjs'

const views = ['Overview', 'Holdings', 'Transactions', 'Import', 'Performance', 'Settings']
const prices = { ACME: ['182.40', 'USD'], GLOBEX: ['81.15', 'USD'], UMBRA: ['104.90', 'EUR'] }
const rates = { EUR: '1.1620' }
const hostile = `<img src=x onerror="window.harm=1"> \u202egnp.exe ${'x'.repeat(900)}`

let browser
let portfolio // its path in the API
let id

before(async () => {
  browser = await b.launch()
  await b.past(prices, rates, 45)
  await b.feed(prices, rates)
  const made = await b.call('POST', '/v1/portfolios', { name: 'Demo', base_currency: 'USD' })
  id = made.id
  portfolio = `/v1/portfolios/${id}`
  for (const t of [
    { kind: 'DEPOSIT', date: b.daysAgo(40), amount: '50000', currency: 'USD' },
    { kind: 'DEPOSIT', date: b.daysAgo(40), amount: '10000', currency: 'EUR' },
    { kind: 'BUY', date: b.daysAgo(39), symbol: 'ACME', quantity: '80', price: '171.35', currency: 'USD', fee: '4.95' },
    { kind: 'BUY', date: b.daysAgo(38), symbol: 'GLOBEX', quantity: '120.5', price: '75.20', currency: 'USD' },
    { kind: 'BUY', date: b.daysAgo(37), symbol: 'UMBRA', quantity: '60', price: '98.40', currency: 'EUR', note: hostile },
    { kind: 'SELL', date: b.daysAgo(20), symbol: 'ACME', quantity: '20', price: '176', currency: 'USD' },
    { kind: 'DIVIDEND', date: b.daysAgo(10), symbol: 'GLOBEX', amount: '36.15', currency: 'USD' },
  ]) {
    await b.call('POST', `${portfolio}/transactions`, t)
  }
})
after(() => browser?.close())

/** visit signs a person in, runs what they do, and checks what must never happen. */
async function visit(options, act) {
  const v = await b.visitor(browser, options)
  try {
    await b.signIn(v.tab, b.key, `#/overview?p=${id}`)
    await act(v.tab, v)
    assert.deepEqual(v.faults, [])
  } finally {
    await v.context.close()
  }
}

test('a person signs in and sees the value that the API has', async () => {
  await visit({}, async (tab, { requests }) => {
    await b.eventually(async () => {
      const valuation = await b.call('GET', `${portfolio}/valuation`)
      assert.equal(await b.total(tab), b.money(valuation.total))
    })
    for (const view of views) {
      await b.show(tab, view)
      await tab.getByRole('heading', { level: 1 }).first().waitFor({ state: 'attached' })
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
  await b.feed(prices, rates)
  for (const [name, options] of Object.entries({
    light: { colorScheme: 'light', viewport: { width: 1180, height: 760 } },
    dark: { colorScheme: 'dark', viewport: { width: 1180, height: 760 } },
    phone: { colorScheme: 'light', viewport: b.sizes.phone },
  })) {
    await visit(options, async (tab) => {
      await tab.getByRole('img', { name: /^Value over time/ }).waitFor()
      await tab.getByRole('table', { name: 'All portfolios' }).waitFor()
      await tab.waitForTimeout(1_000)
      await tab.screenshot({ path: `${folder}/page-${name}.png` })
    })
  }
})

test('a wrong key is refused in words', async () => {
  const { context, tab } = await b.visitor(browser)
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

test('two people who edit one transaction are told of each other', async () => {
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
    const csv =
      'Symbol,Current Price,Date,Time,Change,Open,High,Low,Volume,Trade Date,Purchase Price,Quantity,Commission,High Limit,Low Limit,Comment\n' +
      `HOOLI,52.05,2026/03/02,16:00 EST,1.31,51.2,53.4,51.1,5346,${b.daysAgo(9).replaceAll('-', '')},49.04,17,1.00,,,<b>bold</b>\n` +
      'ODD.XYZ,1,2026/03/02,15:30 KST,100,1,1,1,1,20260302,1,3,0,,,\n'
    const drop = async () => {
      await b.show(tab, 'Import')
      await tab.getByLabel('or choose one').setInputFiles({ name: '<i>quotes</i>.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) })
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
    await tab.getByLabel('or choose one').setInputFiles({ name: 'more.csv', mimeType: 'text/csv', buffer: Buffer.from(more) })
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

test('who comes back to the network with a key that was revoked meanwhile is signed out', async () => {
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

test('whose key is revoked is signed out within two seconds', async () => {
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

test('names and notes are text, whatever they contain', async () => {
  const name = '<script>window.harm=1</script>\u202e<b onclick=x>'
  const other = await b.call('POST', '/v1/portfolios', { name, base_currency: 'USD' })
  await visit({}, async (tab) => {
    await b.show(tab, 'Transactions')
    const note = tab.getByText('<img src=x onerror="window.harm=1">')
    await note.waitFor()
    assert.ok((await note.innerText()).length > 900)
    await tab.getByRole('combobox', { name: 'Portfolio' }).selectOption(other.id)
    for (const view of views) await b.show(tab, view)
    assert.equal(await tab.evaluate(() => window.harm), undefined)
    assert.equal(await tab.locator('b, img').count(), 0)
  })
  await b.call('DELETE', `/v1/portfolios/${other.id}`, undefined, b.key, { 'If-Match': '*' })
})

test('the keyboard alone reaches and uses every view', async () => {
  await visit({}, async (tab) => {
    const press = async (key, until, most = 60) => {
      for (let i = 0; i < most; i++) {
        if (await until()) return
        await tab.keyboard.press(key)
      }
      assert.fail(`not reached with ${most} times ${key}`)
    }
    const focused = (text) => () => tab.evaluate((t) => document.activeElement?.textContent?.trim() === t, text)
    for (const view of views) {
      await tab.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur())
      await press('Tab', focused(view))
      const outline = await tab.evaluate(() => getComputedStyle(document.activeElement).outlineStyle)
      assert.notEqual(outline, 'none', `${view}: the focus is visible`)
      await tab.keyboard.press('Enter')
      await b.eventually(async () => assert.match(await tab.title(), new RegExp(`^${view}`)))
    }
    await press('Shift+Tab', focused('Transactions'))
    await tab.keyboard.press('Enter')
    await tab.getByRole('button', { name: 'Add transaction' }).waitFor()
    await press('Tab', focused('Add transaction'))
    await tab.keyboard.press('Enter')
    const form = tab.getByRole('dialog', { name: 'Add transaction' })
    await form.waitFor()
    await tab.keyboard.press('Escape')
    await form.waitFor({ state: 'detached' })
    assert.ok(await focused('Add transaction')(), 'the focus returns')
  })
})

test('every view fits a phone of 360 px', async () => {
  await visit({ viewport: b.sizes.phone, hasTouch: true, isMobile: true }, async (tab) => {
    for (const view of views) {
      await b.show(tab, view)
      await tab.waitForTimeout(500)
      const [needed, there] = await tab.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth])
      assert.ok(needed <= there, `${view} is ${needed} px wide on ${there} px`)
    }
  })
})

test('nothing moves for who wants no motion', async () => {
  await visit({ reducedMotion: 'reduce' }, async (tab) => {
    await b.show(tab, 'Holdings')
    await b.feed({ ACME: ['195.55', 'USD'] })
    await tab.getByText(b.money('195.55')).waitFor()
    assert.equal(await tab.evaluate(() => document.getAnimations().length), 0)
    assert.equal(await tab.locator('[aria-live] .tick, [role=status] .tick').count(), 0, 'ticks are not announced')
  })
})

/** accessible fails if axe finds a violation. */
async function accessible(tab, what) {
  const { violations } = await new AxeBuilder({ page: tab }).analyze()
  const found = violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`)
  assert.deepEqual(found, [], what)
}

for (const [name, options] of Object.entries({
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  phone: { viewport: b.sizes.phone, colorScheme: 'light' },
})) {
  test(`axe finds nothing in any view and state: ${name}`, async () => {
    const fresh = await b.visitor(browser, options)
    await fresh.tab.goto(b.page)
    await fresh.tab.getByRole('textbox', { name: 'API key' }).fill('pfk_wrong')
    await accessible(fresh.tab, 'signing in')
    await fresh.tab.getByRole('button', { name: 'Sign in' }).click()
    await fresh.tab.getByRole('alert').waitFor()
    await accessible(fresh.tab, 'a refused key')
    await fresh.context.close()

    await visit(options, async (tab, { context }) => {
      for (const view of views) {
        await b.show(tab, view)
        await tab.waitForTimeout(800)
        assert.deepEqual(await tab.getByRole('alert').allInnerTexts(), [], view)
        await accessible(tab, view)
      }
      await tab.goto(`${b.page}#/holdings/ACME?p=${id}`)
      await tab.getByRole('table', { name: 'Lots' }).waitFor()
      await tab.getByRole('table', { name: 'Transactions of ACME' }).waitFor()
      assert.deepEqual(await tab.getByRole('alert').allInnerTexts(), [])
      await accessible(tab, 'a holding')
      await b.show(tab, 'Transactions')
      await tab.getByRole('button', { name: 'Add transaction' }).click()
      const form = tab.getByRole('dialog')
      await accessible(tab, 'the form')
      if (name !== 'light') return // the states below have the same colours and sizes
      for (const kind of ['BUY', 'SELL', 'SPLIT', 'CONVERSION', 'TRANSFER_IN']) {
        await form.getByLabel('Kind').selectOption(kind)
        await accessible(tab, `the form of ${kind}`)
      }
      await form.getByRole('button', { name: 'Check' }).click()
      await form.getByRole('alert').first().waitFor()
      await accessible(tab, 'a refused form')
      await form.getByRole('button', { name: 'Cancel' }).click()
      await tab.getByRole('button', { name: /Delete Sell ACME/ }).click()
      await form.getByRole('table').waitFor()
      await accessible(tab, 'deleting')
      await form.getByRole('button', { name: 'Cancel' }).click()
      await context.setOffline(true)
      await tab.getByRole('status', { name: 'Connection' }).filter({ hasText: 'Offline' }).waitFor({ timeout: 20_000 })
      await b.show(tab, 'Performance')
      await tab.getByRole('alert').first().waitFor()
      await accessible(tab, 'offline')
    })
  })
}

function setting(name) {
  const value = process.env[name]
  if (!value) throw new Error(`${name}: got nothing, want a folder`)
  return value
}
