import { createHash } from 'node:crypto'
import { whole } from '../answers.js'
import { textOf } from '../body.js'
import { HttpError } from '../http-error.js'
import type { Call, Route } from '../route.js'
import type { Access } from './access.js'

const style = `body{font:1rem system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;margin:1rem}
form{display:grid;gap:.75rem;width:min(24rem,100%)}
input,button{font:inherit;padding:.5rem}`

/** For the policy that a browser keeps: no other style in a page is taken. */
export const loginStyleHash = `'sha256-${createHash('sha256').update(style).digest('base64')}'`

/** Anybody may send it, and as many as there are connections: a token with its name is much shorter. */
const mostBytes = 4_096

/** Where a browser gives the token once, and gets a session. */
export function loginRoutes(access: Access): readonly Route[] {
  return [
    { method: 'POST', path: '/login', access: 'open', handle: (call) => login(access, call) },
    {
      method: 'POST',
      path: '/logout',
      access: 'open',
      handle: ({ request }) => {
        access.demandSameSite(request)
        return seeOther(access.endSession())
      },
    },
  ]
}

async function login(access: Access, { request }: Call): Promise<Response> {
  access.demandSameSite(request)
  const token = new URLSearchParams(await textOf(request, mostBytes)).get('token') ?? ''
  const cookie = access.beginSession(token.trim(), request)
  return cookie === undefined ? loginPage('login', 'This is not the token.') : seeOther(cookie)
}

/** To the page that the handler is mounted at. */
function seeOther(cookie: string): Response {
  return new Response(null, { status: 303, headers: { location: './', 'set-cookie': cookie } })
}

/** Whether it is a person who is to log in: a browser that opens a page. */
export const asksForLogin = (error: unknown, { method, headers }: Request): boolean =>
  error instanceof HttpError &&
  error.status === 401 &&
  method === 'GET' &&
  (headers.get('accept') ?? '').includes('text/html')

/** `path`: below where the handler is mounted, which the page finds by going up. */
export const loginPageAt = (path: string): Response => loginPage(`${'../'.repeat(path.split('/').length - 2)}login`, '')

function loginPage(action: string, what: string): Response {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Log in</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><style>${style}</style>
<form method="post" action="${action}"><label for="token">The token that the app was given as <code>http: { token }</code></label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Log in</button><p role="alert">${what}</p></form></html>`
  return whole(html, 'text/html; charset=utf-8', { status: 401 })
}
