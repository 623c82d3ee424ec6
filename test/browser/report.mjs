// A section of docs/performance.md on standard output; progress goes to standard error.

import { cpus, loadavg } from 'node:os'

/** about says when and where something was measured. */
export function about(command, before) {
  const day = new Date().toISOString().slice(0, 10)
  const load = [before, loadavg()[0]].map((l) => l.toFixed(2))
  return (
    `Measured on ${day} by \`make ${command}\`, which wrote this section, on the local platform, on a machine with\n` +
    `${cpus().length} cores which the platform shares (load average at the start ${load[0]}, at the end ${load[1]}), in Chromium without a GPU.`
  )
}

/** print writes the section. Each target is [what, target, measured, met]; one that is missed fails the program. */
export function print(heading, introduction, targets, text = '') {
  const rows = targets.map(([what, target, measured, met]) => `| ${what} | ${target} | ${measured} | ${met ? 'met' : 'missed'} |`)
  const table = ['| | target | measured | |', '|---|---:|---:|---|', ...rows].join('\n')
  console.log([`# ${heading}`, introduction, table, ...(text ? [text] : [])].join('\n\n'))
  for (const [what, target, measured, met] of targets) {
    if (met) continue
    console.error(`${what}: got ${measured}, want ${target}`)
    process.exitCode = 1
  }
}
