import type { Call } from '../../http/route.js'
import { pageRoutes } from './page-routes.js'

async function ask(path: string, rest?: string): Promise<Response> {
  const route = pageRoutes.find((each) => each.path === path)
  const request = new Request(`http://localhost${rest === undefined ? path : `/page/${rest}`}`)
  return (await route?.handle({ request, params: { '*': rest ?? '' } } as unknown as Call)) as Response
}

describe('the monitor page', () => {
  it('loads what is beside it, and nothing else', async () => {
    const page = await ask('/')
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const html = await page.text()
    const names = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, name]) => name as string)
    expect(names).toHaveLength(3)
    for (const name of names) {
      expect(name).toMatch(/^page\/(app|icon)-[0-9a-f]{10}\.(js|css|svg)$/)
      const file = await ask('/page/*', name.slice('page/'.length))
      expect(file.headers.get('cache-control')).toContain('immutable')
      expect(file.headers.get('content-length')).not.toBe('0')
      // Addresses in it are names of XML, and none is asked for.
      expect((await file.text()).match(/(?:src|href|url\(|import\()\s*["'(]?https?:/)).toBeNull()
    }
    // Neither script nor style stands in the page itself.
    expect(html).not.toMatch(/<script(?![^>]*src=)|<style|style=|\son\w+=/)
  })

  it('names whose work is in it', async () => {
    const text = await (await ask('/page/*', 'licences.txt')).text()
    for (const name of ['preact', 'htm', 'uplot', '@dagrejs/dagre']) expect(text).toContain(`\n${name} `)
    expect(text).toContain('Apache License')
  })

  it('has no other files', async () => {
    for (const name of ['', 'none.js', '../package.json', '__proto__', 'constructor'])
      await expect(ask('/page/*', name)).rejects.toMatchObject({ status: 404 })
  })

  it('is asked with a slash at its end, where it is mounted below a path', async () => {
    const route = pageRoutes.find(({ path }) => path === '/')
    const answer = (await route?.handle({
      request: new Request('http://localhost/tools/millrace'),
    } as Call)) as Response
    expect([answer.status, answer.headers.get('location')]).toEqual([308, './millrace/'])
  })
})
