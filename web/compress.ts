import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

// The most that the page may weigh in bytes, compressed with Brotli. All of it is loaded for the first view.
const budget = 110 * 1024

/** compressed writes F.br and F.gz next to each file F, and fails if the page is too heavy. */
export function compressed(): Plugin {
  let folder = ''
  return {
    name: 'compressed',
    apply: 'build',
    configResolved: (config) => void (folder = config.build.outDir),
    closeBundle: () => {
      let weight = 0
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        const file = join(folder, name)
        if (!statSync(file).isFile()) continue
        const plain = readFileSync(file)
        const small = brotliCompressSync(plain, {
          params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length },
        })
        writeFileSync(file + '.br', small)
        writeFileSync(file + '.gz', gzipSync(plain, { level: 9 }))
        weight += small.length
      }
      console.log(`the page is ${(weight / 1024).toFixed(1)} KB compressed, of ${budget / 1024} KB`)
      if (weight > budget) throw new Error(`page: got ${weight} bytes compressed, want at most ${budget}`)
    },
  }
}
