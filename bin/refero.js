#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const compiled = new URL('../dist/engine/cli.js', import.meta.url)
if (!existsSync(fileURLToPath(compiled))) {
  console.error('Refero is not built yet: run `npm ci` or `npm run build` in its folder first.')
  process.exit(2)
}
const { main } = await import(compiled.href)
process.exitCode = await main(process.argv.slice(2))
