import { anchorsOf, brokenLink, linksOf } from './links.js'
import { pages } from './pages.js'

describe('links', () => {
  it.each(pages)('of $path lead to what is there', (page) => {
    expect(linksOf(page).flatMap((link) => brokenLink(page, link) ?? [])).toEqual([])
  })

  it('are found', () => {
    expect(pages.length).toBeGreaterThan(20)
    expect(pages.flatMap(linksOf).length).toBeGreaterThan(100)
  })

  it.each([
    ['no-such.md', 'there is no'],
    ['README.md#no-such-heading', 'no heading'],
    ['../outside.md', 'out of the package'],
    ['/docs/errors.md', 'out of the package'],
  ])('that lead nowhere are told: %s', (link, said) => {
    expect(brokenLink({ path: 'docs-page.md', text: '' }, link)).toContain(said)
  })

  it('are not read from code', () => {
    expect(linksOf({ path: 'x.md', text: '`[a](b)`\n\n```ts\n[a](b)\n```\n\n[c](d.md#e)\n' })).toEqual(['d.md#e'])
  })

  it('go to headings by the names that GitHub gives them', () => {
    const text = '# `app.state`: what is *there*\n## Ready, and rebalances\n## Twice\n## Twice\n```\n# code\n```\n'
    expect([...anchorsOf(text)]).toEqual(['appstate-what-is-there', 'ready-and-rebalances', 'twice', 'twice-1'])
  })
})
