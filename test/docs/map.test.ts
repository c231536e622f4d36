import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { linksOf } from './links.js'
import { pages, root } from './pages.js'

const guides = pages
  .map(({ path }) => path)
  .filter((path) => /^docs\/[\w-]+\.md$/.test(path) && path !== 'docs/README.md')
  .map((path) => path.slice('docs/'.length))
const pageOf = (path: string) => pages.find((page) => page.path === path)!

describe('the map of the documentation', () => {
  it.each(['docs/README.md', 'docs/llms.txt'])('%s leads to each page, once', (path) => {
    const links = linksOf(pageOf(path)).filter((link) => /^[\w-]+\.md$/.test(link))
    expect([...links].sort()).toEqual([...guides].sort())
  })

  it('is reached from the README', () => {
    expect(linksOf(pageOf('README.md'))).toContain('docs/README.md')
  })

  it('is in the package, with all that it leads to', () => {
    const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] }
    expect(files).toContain('docs')
    expect(files).toContain('ARCHITECTURE.md')
  })
})
