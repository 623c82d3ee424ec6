import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'
import { compressed } from './compress.ts'

// The Go binary embeds this folder.
const outDir = fileURLToPath(new URL('../backend/http/page/static/dist', import.meta.url))

// localPage returns where make local serves the page; npm run dev passes calls on to it.
function localPage(): URL | undefined {
  try {
    const outputs = readFileSync(new URL('../.local/outputs.json', import.meta.url), 'utf8')
    return new URL(JSON.parse(outputs).endpoints.page)
  } catch {
    return undefined
  }
}

// Tools read this configuration without starting a server.
function needs(page: URL | undefined): Plugin {
  return {
    name: 'needs-platform',
    configureServer() {
      if (!page) throw new Error('.local/outputs.json: got no page, want one: run make local first')
    },
  }
}

// A load balancer may have a path in front, so every URL is relative.
export default defineConfig(({ command, mode }) => {
  const page = command === 'serve' && mode === 'development' ? localPage() : undefined
  return {
    base: './',
    plugins: [svelte(), compressed(), ...(mode === 'development' ? [needs(page)] : [])],
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2023',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rolldownOptions: { checks: { bundlerTimings: false } }, // no warning about the time that plugins take
    },
    // make test runs these tests beside many others.
    test: { testTimeout: 120_000, hookTimeout: 120_000 },
    server: page && {
      proxy: { '/v1': { target: page.origin, rewrite: (path: string) => page.pathname.replace(/\/$/, '') + path } },
    },
  }
})
