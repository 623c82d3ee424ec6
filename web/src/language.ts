// Imported before everything else. Where LANG is C, Chromium names its language en-US@posix,
// with which every formatter of Intl throws. uPlot makes one when it is loaded.

import { usableLocale } from './state/preferences.svelte.ts'

const { language } = navigator
const usable = usableLocale([language])
if (usable !== language) Object.defineProperty(navigator, 'language', { value: usable, configurable: true })
