import { loginStyleHash } from './login.js'

/** Nothing is loaded from elsewhere, and no other page shows this one. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  `style-src 'self' ${loginStyleHash}`,
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const always: Readonly<Record<string, string>> = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
}

/** The answer with what browsers are to be told. A route may say how long its answer may be kept. */
export function secured(answer: Response): Response {
  for (const [name, value] of Object.entries(always)) answer.headers.set(name, value)
  if (!answer.headers.has('cache-control')) answer.headers.set('cache-control', 'no-store')
  return answer
}
