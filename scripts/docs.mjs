// npm run docs: writes docs/reference.md from the sources; with --check it says whether the page is as it would be written.
import { readFileSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { reference } from './reference/page.mjs'

const page = 'docs/reference.md'
const text = await format(reference(), { ...(await resolveConfig(page)), parser: 'markdown' })

if (!process.argv.includes('--check')) writeFileSync(page, text)
else if (readFileSync(page, 'utf8') !== text) {
  console.error(`${page} is not what the sources say: run npm run docs`)
  process.exitCode = 1
}
