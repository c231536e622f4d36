import { whole } from '../../http/answers.js'
import { HttpError } from '../../http/http-error.js'
import type { Route } from '../../http/route.js'
import type { PageFile } from './bundle.js'

/** Read when somebody asks for it: most processes never do. */
const files = async (): Promise<Readonly<Record<string, PageFile>>> => (await import('./bundle.js')).files

/** The page itself holds nothing of the app: anybody may have it, also who has yet to say the token. */
export const pageRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/',
    access: 'open',
    // What it loads is beside it: below where the handler is mounted.
    handle: async ({ request }) => withoutSlash(request) ?? sent((await files())['index.html'], 'no-cache'),
  },
  {
    method: 'GET',
    path: '/page/*',
    access: 'open',
    // Their names change with what is in them.
    handle: async ({ params }) => sent(own(await files(), params['*']), 'public, max-age=31536000, immutable'),
  },
]

/** To the same with a slash at its end, where the page finds what is beside it. */
function withoutSlash({ url }: Request): Response | undefined {
  const last = /[^/]+$/.exec(new URL(url).pathname)?.[0]
  if (last === undefined) return undefined
  return new Response(null, { status: 308, headers: { location: `./${last}/`, 'content-length': '0' } })
}

function own(all: Readonly<Record<string, PageFile>>, path: string | undefined): PageFile | undefined {
  return path !== undefined && Object.hasOwn(all, path) ? all[path] : undefined
}

function sent(file: PageFile | undefined, cache: string): Response {
  if (file === undefined) throw new HttpError(404, 'REQUEST_INVALID', 'there is no such file of the page')
  return whole(file.text, file.type, { headers: { 'cache-control': cache } })
}
