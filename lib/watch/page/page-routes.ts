import type { Route } from '../../http/route.js'
import type { PageFile } from './bundle.js'

/** Nothing is loaded from elsewhere, nothing in the page itself is run, and nobody may put it into theirs. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const headers = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
}

/** Read when somebody asks for it: most processes never do. */
const files = async (): Promise<Readonly<Record<string, PageFile>>> => (await import('./bundle.js')).files

/** The page itself holds nothing of the app: anybody may have it, also who has yet to say the token. */
export const pageRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/',
    access: 'open',
    handle: async () => sent((await files())['index.html'], 'no-cache'),
  },
  {
    method: 'GET',
    path: '/page/*',
    access: 'open',
    // Their names change with what is in them.
    handle: async ({ params }) => sent(own(await files(), params['*']), 'public, max-age=31536000, immutable'),
  },
]

function own(all: Readonly<Record<string, PageFile>>, path: string | undefined): PageFile | undefined {
  return path !== undefined && Object.hasOwn(all, path) ? all[path] : undefined
}

function sent(file: PageFile | undefined, cache: string): Response {
  if (file === undefined)
    return new Response('There is no such file of the page.\n', {
      status: 404,
      headers: { ...headers, 'content-type': 'text/plain' },
    })
  return new Response(file.text, { headers: { ...headers, 'content-type': file.type, 'cache-control': cache } })
}
