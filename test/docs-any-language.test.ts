import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(__dirname, '..')
const page = readFileSync(join(root, 'docs', 'any-language.md'), 'utf8')
const programs = [...page.matchAll(/<!-- (\S+) -->\n\n```\w+\n(.*?)```/gs)].map(([, path = '', code = '']) => ({
  path,
  code,
}))

describe('docs/any-language.md', () => {
  it('shows three programs', () => {
    expect(programs).toHaveLength(3)
  })

  it.each(programs)('shows $path as the tests run it', ({ path, code }) => {
    expect(code).toBe(readFileSync(join(root, path), 'utf8'))
  })
})
