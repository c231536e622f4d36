import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { prose, root, type Page } from './pages.js'

/** Where each link of a page leads to, as it is written there. */
export function linksOf({ text }: Page): readonly string[] {
  const inText = [...prose(text).matchAll(/\]\(([^()\s]+(?:\([^()\s]*\))?)(?:\s+"[^"]*")?\)/g)]
  const named = [...prose(text).matchAll(/^\[[^\]]+\]:\s+(\S+)$/gm)]
  return [...inText, ...named].map(([, link = '']) => link)
}

/** Links to other places than this package. */
export const isForeign = (link: string): boolean => /^[a-z][a-z0-9+.-]*:/i.test(link)

/** What is wrong with a link, or undefined. */
export function brokenLink(page: Page, link: string): string | undefined {
  if (isForeign(link)) return undefined
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page.path : normalize(join(dirname(page.path), decodeURIComponent(path)))
  if (path.startsWith('/') || target.startsWith('..')) return `${link}: leads out of the package`
  if (!existsSync(join(root, target))) return `${link}: there is no ${target}`
  if (anchor === undefined || !target.endsWith('.md')) return undefined
  const anchors = anchorsOf(readFileSync(join(root, target), 'utf8'))
  return anchors.has(anchor) ? undefined : `${link}: ${target} has no heading #${anchor}`
}

/** The anchors that GitHub gives to the headings of a page. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of text.replace(/^(```+).*?^\1$/gms, '').matchAll(/^#{1,6} +(.*)$/gm)) {
    const slug = slugOf(heading)
    let anchor = slug
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`
    anchors.add(anchor)
  }
  for (const [, id = ''] of text.matchAll(/<a (?:id|name)="([^"]+)">/g)) anchors.add(id)
  return anchors
}

function slugOf(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-')
}
