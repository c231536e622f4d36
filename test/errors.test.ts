import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorCodes } from '../lib/core/errors.js'
import { isTest, sourcesIn } from './sources.js'

const manual = readFileSync(join(__dirname, '..', 'docs', 'errors.md'), 'utf8')

describe('docs/errors.md', () => {
  it('has one entry for each code, in the same order, and no other', () => {
    const entries = [...manual.matchAll(/^## `?([A-Z_]+)`?$/gm)].map((match) => match[1])
    expect(entries).toEqual([...errorCodes])
  })
})

describe('the codes of errors', () => {
  it('are all raised somewhere in lib/', () => {
    const shipped = [...sourcesIn('lib')].filter(([path]) => !isTest(path) && path !== 'lib/core/errors.ts')
    const text = shipped.map(([, source]) => source).join('\n')
    expect(errorCodes.filter((code) => !text.includes(`'${code}'`))).toEqual([])
  })
})
