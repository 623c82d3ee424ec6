// The page by keyboard, on a phone, in the dark, without motion, with a screen reader, and
// with hostile names.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import * as b from './browser.mjs'
import * as people from './people.mjs'

const { views } = people
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let browser
let demo // the portfolio

before(async () => {
  browser = await b.launch()
  demo = await people.portfolio('.B')
})
after(() => browser?.close())

const visit = (options, act) => people.visit(browser, demo.id, options, act)

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
    await form.getByLabel('Symbol').pressSequentially('X')
    await tab.keyboard.press('Escape')
    await form.getByText('Press Escape again').waitFor()
    await tab.keyboard.press('Escape')
    await form.waitFor({ state: 'detached' })
    assert.ok(await focused('Add transaction')(), 'the focus returns')
  })
})

/** fits fails if the page is wider than a phone. The window of a phone grows with the page. */
async function fits(tab, what) {
  const needed = await tab.evaluate(() => document.documentElement.scrollWidth)
  assert.ok(needed <= b.sizes.phone.width, `${what} is ${needed} px wide`)
}

test('every view fits a phone of 360 px', async () => {
  const wide = await people.wide()
  await visit({ viewport: b.sizes.phone, hasTouch: true, isMobile: true }, async (tab) => {
    for (const id of [demo.id, wide]) {
      await tab.getByRole('combobox', { name: 'Portfolio' }).selectOption(id)
      for (const view of views) {
        await b.show(tab, view)
        await people.loaded(tab)
        await fits(tab, view)
      }
      await tab.getByRole('button', { name: 'Delete this portfolio' }).click()
      await fits(tab, 'deleting')
      await tab.keyboard.press('Escape')
    }
    await tab.getByRole('combobox', { name: 'Portfolio' }).selectOption(demo.id)
    await b.show(tab, 'Import')
    await people.drop(tab, `<i>${'long'.repeat(40)}.csv`, people.quotesFile([['HOOLI', '49.04', '17', `<b>${'x'.repeat(900)}`]]))
    await tab.getByRole('table', { name: 'Rows of the file' }).waitFor()
    await fits(tab, 'a file with a long name')
  })
  await b.call('DELETE', `/v1/portfolios/${wide}`, undefined, b.key, { 'If-Match': '*' })
})

test('nothing moves for people who prefer reduced motion', async () => {
  await visit({ reducedMotion: 'reduce' }, async (tab) => {
    await b.show(tab, 'Holdings')
    await b.feed({ [demo.acme]: ['195.55', 'USD'] })
    await tab.getByText(b.money('195.55')).waitFor()
    assert.equal(await tab.evaluate(() => document.getAnimations().length), 0)
    assert.equal(await tab.locator('[aria-live] .tick, [role=status] .tick').count(), 0, 'ticks are not announced')
  })
})

/** accessible fails if axe finds a violation. */
async function accessible(tab, what) {
  if (!(await tab.evaluate(() => 'axe' in window))) await tab.evaluate(axe)
  const found = await tab.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'] })
    return violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`)
  })
  assert.deepEqual(found, [], what)
}

/** everyView checks each view, a holding, and what a file and a form look like. */
async function everyView(tab) {
  for (const view of views) {
    await b.show(tab, view)
    await people.loaded(tab)
    assert.deepEqual(await tab.getByRole('alert').allInnerTexts(), [], view)
    await accessible(tab, view)
  }
  await b.show(tab, 'Import')
  await people.drop(tab, 'quotes.csv', people.quotesFile([['HOOLI', '49.04', '17', 'new'], ['HOOLI', '49.04', '17', 'new']]))
  await tab.getByText('These rows cannot be read.').waitFor()
  await tab.getByRole('table', { name: 'What changes' }).waitFor()
  await accessible(tab, 'a file with problems')
  await tab.goto(`${b.page}#/holdings/${demo.acme}?p=${demo.id}`)
  await tab.getByRole('table', { name: 'Lots' }).waitFor()
  await tab.getByRole('table', { name: `Transactions of ${demo.acme}` }).waitFor()
  assert.deepEqual(await tab.getByRole('alert').allInnerTexts(), [])
  await accessible(tab, 'a holding')
  await b.show(tab, 'Transactions')
  await tab.getByRole('button', { name: 'Add transaction' }).click()
  await accessible(tab, 'the form')
}

async function refused(options) {
  const { context, tab } = await b.visitor(browser, options)
  await tab.goto(b.page)
  await tab.getByRole('textbox', { name: 'API key' }).fill('pfk_wrong')
  await accessible(tab, 'signing in')
  await tab.getByRole('button', { name: 'Sign in' }).click()
  await tab.getByRole('alert').waitFor()
  await accessible(tab, 'a refused key')
  await context.close()
}

for (const [name, options] of Object.entries({
  dark: { colorScheme: 'dark' },
  phone: { viewport: b.sizes.phone, colorScheme: 'light' },
})) {
  test(`axe finds nothing in any view: ${name}`, async () => {
    await refused(options)
    await visit(options, everyView)
  })
}

test('axe finds nothing in any view and state', async () => {
  const options = { colorScheme: 'light' }
  await refused(options)
  await visit(options, async (tab, { context }) => {
    await everyView(tab)
    await formStates(tab)
    await conflict(tab)
    await importStates(tab)
    await settingsStates(tab)
    await emptyStates(tab)
    await tab.goto(`${b.page}#/overview?p=${demo.id}`)
    await b.live(tab)
    await context.setOffline(true)
    await tab.getByRole('status', { name: 'Connection' }).filter({ hasText: 'Offline' }).waitFor({ timeout: 20_000 })
    await accessible(tab, 'offline')
    for (const view of ['Transactions', 'Performance']) {
      await b.show(tab, view)
      await tab.getByRole('alert').first().waitFor()
      await accessible(tab, `${view}, offline`)
    }
  })
})

/** formStates begins in the form of a new transaction. */
async function formStates(tab) {
  const form = tab.getByRole('dialog')
  for (const kind of ['SELL', 'SPLIT', 'CONVERSION', 'TRANSFER_IN']) {
    await form.getByLabel('Kind').selectOption(kind)
    await accessible(tab, `the form of ${kind}`)
  }
  await form.getByRole('button', { name: 'Check' }).click()
  await form.getByRole('alert').first().waitFor()
  await accessible(tab, 'a refused form')
  const wrong = { Symbol: '=cmd()', Quantity: '1e9', Cost: '--' }
  for (const [label, text] of Object.entries(wrong)) await form.getByLabel(label).fill(text)
  await form.getByRole('button', { name: 'Check' }).click()
  await form.getByText('Got "1e9", want a decimal such as 12.50').waitFor()
  for (const [label, text] of Object.entries(wrong)) {
    const field = form.getByLabel(label)
    assert.deepEqual([await field.inputValue(), await field.getAttribute('aria-invalid')], [text, 'true'], label)
  }
  await form.getByRole('button', { name: 'Cancel' }).click()
  await tab.getByRole('button', { name: /Delete Sell ACME/ }).click()
  await form.getByRole('table').waitFor()
  await accessible(tab, 'deleting')
  await form.getByRole('button', { name: 'Cancel' }).click()
}

async function conflict(tab) {
  await tab.getByRole('button', { name: /Edit Dividend GLOBEX/ }).click()
  const form = tab.getByRole('dialog')
  const { items } = await b.call('GET', `${demo.path}/transactions`)
  const dividend = items.find((t) => t.kind === 'DIVIDEND')
  const theirs = { kind: 'DIVIDEND', date: dividend.date, symbol: demo.globex, amount: '40', currency: 'USD', note: people.hostile }
  await b.call('PUT', `${demo.path}/transactions/${dividend.id}`, theirs, b.key, { 'If-Match': '*' })
  await form.getByLabel('Amount').fill('41')
  await form.getByRole('button', { name: 'Check' }).click()
  await form.getByRole('table', { name: 'What changes' }).waitFor()
  await accessible(tab, 'what a change does')
  await form.getByRole('button', { name: 'Save' }).click()
  await form.getByText('Somebody changed this transaction while you edited it.').waitFor()
  await accessible(tab, 'a conflict')
  await form.getByRole('button', { name: 'Continue with mine' }).click()
  await form.getByRole('button', { name: 'Cancel' }).click()
}

async function importStates(tab) {
  await b.show(tab, 'Import')
  await people.drop(tab, 'unknown.csv', 'Wann;Was;Wieviel\n2026-03-02;Kauf;17\n')
  await tab.getByText('The columns of this file are not known.').waitFor()
  await accessible(tab, 'a question about columns')
  await tab.getByRole('button', { name: 'Choose another file' }).click()
  await people.drop(tab, 'large.csv', 'x'.repeat(9 << 20))
  await tab.getByText('Got a file of 9 MB, want at most 8 MB').waitFor()
  await people.drop(tab, 'no.csv', '{"a":1}')
  await tab.getByRole('alert').waitFor()
  await accessible(tab, 'a file that is refused')
  await tab.getByRole('button', { name: 'Choose another file' }).click()
  await people.drop(tab, 'quotes.csv', people.quotesFile([['HOOLI', '49.04', '17', 'new']]))
  await tab.getByRole('button', { name: /^Record 1 transaction/ }).click()
  await tab.getByText('Recorded 1 transaction.').waitFor()
  await accessible(tab, 'a file that is recorded')
  await tab.getByRole('button', { name: 'Choose another file' }).click()
  await people.drop(tab, 'quotes.csv', people.quotesFile([['HOOLI', '49.04', '17', 'new']]))
  await tab.getByText('already recorded', { exact: true }).waitFor()
  await accessible(tab, 'duplicates')
}

async function settingsStates(tab) {
  await b.show(tab, 'Settings')
  await tab.getByLabel('Label').fill(people.hostile.slice(0, 60))
  await tab.getByRole('button', { name: 'Create key' }).click()
  await tab.getByText('This key is shown only now.').waitFor()
  await accessible(tab, 'a new key')
  await tab.getByRole('button', { name: 'I have kept it' }).click()
  await tab.getByRole('button', { name: /^Revoke <img/ }).click()
  await accessible(tab, 'revoking a key')
  await tab.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
  await tab.getByRole('dialog').waitFor({ state: 'detached' })
  await tab.getByRole('button', { name: 'New portfolio' }).click()
  await accessible(tab, 'a new portfolio')
  await tab.getByRole('button', { name: 'Cancel' }).click()
  await tab.getByRole('button', { name: 'Delete this portfolio' }).click()
  await accessible(tab, 'deleting a portfolio')
  await tab.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
}

async function emptyStates(tab) {
  const empty = await b.call('POST', '/v1/portfolios', { name: people.hostile.slice(0, 100), base_currency: 'USD' })
  await tab.goto('about:blank')
  await tab.goto(`${b.page}#/overview?p=${empty.id}`)
  await b.live(tab)
  for (const view of views.filter((v) => v !== 'Import' && v !== 'Settings')) {
    await b.show(tab, view)
    await people.loaded(tab)
    assert.deepEqual(await tab.getByRole('alert').allInnerTexts(), [], view)
    await accessible(tab, `${view}, empty`)
  }
  await tab.goto(`${b.page}#/overview?p=none`)
  await tab.getByRole('heading', { name: 'No such portfolio' }).waitFor()
  await accessible(tab, 'no such portfolio')
  await b.call('DELETE', `/v1/portfolios/${empty.id}`, undefined, b.key, { 'If-Match': '*' })
}
