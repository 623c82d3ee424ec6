// What the tests in a browser share: a browser, a service to call, and a way in.

import assert from 'node:assert/strict'
import chromium from '@sparticuz/chromium'
import { chromium as playwright } from 'playwright-core'

/** setting returns an environment variable that has to be there. */
function setting(name) {
  const value = process.env[name]
  if (!value) throw new Error(`${name}: got nothing, want what test/live sets`)
  return value
}

/** page is the address of the page; key is an owner's API key with every scope. */
export const page = setting('PORTFOLIO_PAGE')
export const key = setting('PORTFOLIO_KEY')

/** launch starts CHROME_PATH, or the Chromium that is packaged for Linux on x86-64. */
export async function launch() {
  return playwright.launch({
    executablePath: process.env.CHROME_PATH ?? (await chromium.executablePath()),
    // The processor draws. Chromium would emulate a GPU, which costs many times as much. The
    // package's own arguments are for one page in a Lambda, and switch security off.
    args: ['--disable-gpu'],
  })
}

/** call calls the API with a key and returns the answer's body. */
export async function call(method, path, body, withKey = key, headers = {}) {
  const response = await fetch(new URL('.' + path, page), {
    method,
    headers: { Authorization: `Bearer ${withKey}`, 'Content-Type': 'application/json', ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const text = await response.text()
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`)
  return text ? JSON.parse(text) : undefined
}

/** feed writes prices of now. */
export async function feed(prices, rates = {}) {
  const now = { source: 'test', time: new Date().toISOString() }
  await call('POST', '/v1/quotes', {
    quotes: Object.entries(prices).map(([symbol, [price, currency]]) => ({ symbol, price, currency, ...now })),
    rates: Object.entries(rates).map(([from, rate]) => ({ from, to: 'USD', rate, ...now })),
  })
}

/** past writes closes of the last days, so that there is a history. */
export async function past(prices, rates, days) {
  const together = 15 // days in a call
  const moved = (price, ago, i) => {
    const waves = 0.02 * Math.sin(ago / 5 + i) + 0.008 * Math.sin(ago * 1.9 + 2 * i)
    return (Number(price) * (1 + waves - ago / 2000)).toFixed(2)
  }
  for (let last = days; last > 0; last -= together) {
    const some = Array.from({ length: Math.min(together, last) }, (_, n) => last - n)
    const at = (ago) => ({ source: 'test', time: new Date(Date.now() - ago * 86_400_000).toISOString() })
    await call('POST', '/v1/quotes', {
      quotes: some.flatMap((ago) =>
        Object.entries(prices).map(([symbol, [price, currency]], i) => ({
          symbol, price: moved(price, ago, i), currency, ...at(ago),
        })),
      ),
      rates: some.flatMap((ago) => Object.entries(rates).map(([from, rate]) => ({ from, to: 'USD', rate, ...at(ago) }))),
    })
  }
}

export function daysAgo(days) {
  return new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10)
}

export const sizes = { desktop: { width: 1280, height: 860 }, phone: { width: 360, height: 740 } }

/** visitor opens a window of its own, and records what must not happen in it. */
export async function visitor(browser, options = {}) {
  const context = await browser.newContext({ viewport: sizes.desktop, locale: 'en-US', timezoneId: 'UTC', ...options })
  const tab = await context.newPage()
  const requests = []
  const faults = []
  tab.on('request', (r) => requests.push(r.url()))
  tab.on('websocket', (s) => requests.push(s.url()))
  tab.on('pageerror', (e) => faults.push(e.message))
  tab.on('console', (m) => m.type() === 'error' && /Content Security Policy/.test(m.text()) && faults.push(m.text()))
  tab.on('dialog', (d) => (faults.push(`dialog: ${d.message()}`), d.dismiss()))
  return { context, tab, requests, faults }
}

export async function signIn(tab, withKey = key, hash = '') {
  await tab.goto(page + hash)
  await tab.getByRole('textbox', { name: 'API key' }).fill(withKey)
  await tab.getByRole('button', { name: 'Sign in' }).click()
  await live(tab)
}

/** live waits until everything on the page is current. */
export async function live(tab) {
  await tab.getByRole('status', { name: 'Connection' }).filter({ hasText: /^Live$/ }).waitFor({ timeout: 15_000 })
}

export async function show(tab, view) {
  await tab.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: view, exact: true }).click()
}

/** total returns the number that is labelled as the total value, as it is shown. */
export function total(tab) {
  return tab.getByLabel('Total value').filter({ hasText: /\d/ }).innerText()
}

/** eventually tries until a check passes. */
export async function eventually(check, within = 10_000) {
  const end = Date.now() + within
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > end) throw error
      await new Promise((r) => setTimeout(r, 50))
    }
  }
}

/** money formats a decimal of the API as the page does. */
export function money(value, currency = 'USD') {
  return new Intl.NumberFormat('en-US', { style: 'currency', currency }).format(value)
}
