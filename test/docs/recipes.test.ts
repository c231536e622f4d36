import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { linksOf } from './links.js'
import { pages, root } from './pages.js'

const recipes = pages.find(({ path }) => path === 'docs/recipes.md')!
const rows = recipes.text.split('\n').filter((line) => line.includes('](../examples/') && line.startsWith('|'))
const examples = readdirSync(join(root, 'examples')).filter((name) => /^\d\d-/.test(name))
const tests = readdirSync(join(root, 'integration'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts') || file.startsWith(join('examples', '')))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join(root, 'integration', file), 'utf8'))

describe('docs/recipes.md', () => {
  it('has a recipe for each example', () => {
    expect(rows).toHaveLength(examples.length)
  })

  it.each(examples)('says what %s is for, and where to read more', (example) => {
    const row = rows.find((line) => line.includes(`[${example}](`))
    const [program = '', ...reading] = linksOf({ path: recipes.path, text: row ?? '' })
    expect(program).toMatch(new RegExp(`^\\.\\./examples/${example}/[\\w-]+\\.ts$`))
    expect(reading.length).toBeGreaterThan(0)
    expect(existsSync(join(root, 'examples', example, 'main.ts'))).toBe(true)
  })

  it.each(examples)('names %s, which a test runs', (example) => {
    expect(tests.filter((text) => text.includes(`output('${example}'`))).not.toEqual([])
  })
})
