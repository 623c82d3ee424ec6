import { expect, test } from 'vitest'
import { usableLocale } from './preferences.svelte.ts'

test.each([
  [['', 'en-US@posix', 'de-DE'], 'de-DE'],
  [['fr', 'en-US'], 'fr'],
  [['', 'en-US@posix'], 'en'],
  [[], 'en'],
])('the first of %j that Intl accepts is %s', (locales, want) => {
  expect(usableLocale(locales)).toBe(want)
})
