// Jest reads lib/watch/page/bundle.ts through this: the page as it would be built now.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleModule, pageSources } from './page.mjs'

export default {
  getCacheKey(_text, _path, { config }) {
    const hash = createHash('sha256')
    for (const file of [...pageSources(), 'scripts/page.mjs', 'package-lock.json'])
      hash.update(file).update(readFileSync(join(config.rootDir, file)))
    return hash.digest('hex')
  },
  process: () => ({ code: bundleModule('cjs') }),
}
