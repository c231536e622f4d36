import type { Duration } from '../../core/duration.js'
import { MillraceError } from '../../core/errors.js'
import { callback, checkOptions, duration, flag, oneOf, required, rule, type Rules } from '../../core/options.js'

/** Where the schemas are. */
export interface RegistryOptions {
  /** Of the registry; several are tried one after the other. `http://localhost:8081`, or with a path: `…/apis/ccompat/v7`. */
  readonly url: string | readonly string[]
  /** User and password, or a token. @default what stands in the url, else none */
  readonly auth?: BasicAuth | BearerAuth
  /** Sent with each request. @default none */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Under which name the registry keeps a schema. `topic`: `<topic>-key` and `<topic>-value`; `record`: the full name of the record;
   * `topic-record`: `<topic>-<full name>`. @default 'topic'
   */
  readonly subjects?: 'topic' | 'record' | 'topic-record'
  /** Whether a schema that the registry does not have is registered when the app starts; else it must be there. @default true */
  readonly register?: boolean
  /** Whether an app refuses to start that could not read what the latest schema of its subject writes. @default true */
  readonly check?: boolean
  /** How long one request may take. @default '10s' */
  readonly timeout?: Duration
  /** In the place of the global one: for certificates of your own, or a proxy. */
  readonly fetch?: typeof fetch
}

export interface BasicAuth {
  readonly user: string
  readonly password: string
}

export interface BearerAuth {
  /** A token, or what gives one; asked before each request. */
  readonly bearer: string | (() => string | Promise<string>)
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
/** What HTTP lets through in a header. */
const isHeaderText = (value: unknown): boolean => typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)

const isAuth = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return false
  const { user, password, bearer } = value as { user?: unknown; password?: unknown; bearer?: unknown }
  if (bearer === undefined) return isText(user) && typeof password === 'string' && !user.includes(':')
  if (user !== undefined || password !== undefined) return false
  return typeof bearer === 'function' || (isText(bearer) && /^[\x21-\x7e]+$/.test(bearer))
}

const rules: Rules<RegistryOptions> = {
  url: required(
    rule(
      "a url such as 'http://localhost:8081', or a list of them",
      (value) =>
        isText(value) || (Array.isArray(value) && value.length > 0 && value.length <= 20 && value.every(isText)),
    ),
  ),
  auth: rule('{ user, password } or { bearer: a token or a function that gives one }', isAuth),
  headers: rule('an object of names and texts', (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
    return Object.entries(value).every(
      ([name, text]) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) && isHeaderText(text),
    )
  }),
  subjects: oneOf('topic', 'record', 'topic-record'),
  register: flag,
  check: flag,
  timeout: duration,
  fetch: callback('a function such as fetch'),
}

/** Of one registry: where to send requests to, without what is secret in it. */
export interface RegistryAddress {
  readonly urls: readonly string[]
  readonly auth: BasicAuth | BearerAuth | undefined
}

/** Throws `OPTIONS_INVALID`, which never shows a url: there may be a password in it. */
export function checkedAddress(options: RegistryOptions): RegistryAddress {
  // Texts would be shown, and in these may be a password.
  const { auth: given, headers } = (options ?? {}) as { auth?: unknown; headers?: unknown }
  if (typeof options === 'string') throw invalid('text in the place of options; give { url }')
  if (typeof given === 'string') throw invalid('auth is text; give { user, password } or { bearer }')
  if (typeof headers === 'string') throw invalid('headers is text; give an object of names and texts')
  checkOptions('registry', options, rules)
  let { auth } = options
  const urls = [options.url].flat().map((text) => {
    const url = parsed(text)
    if (url.username !== '') {
      const own = userOf(url)
      if (options.auth !== undefined) throw invalid('the url has a user and so has auth; give one of them')
      if (auth !== undefined) demandSame(auth as BasicAuth, own)
      auth = own
    }
    return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
  })
  return { urls, auth }
}

function parsed(given: string): URL {
  let url: URL
  try {
    url = new URL(given)
  } catch {
    throw invalid("url is none that can be read; give one such as 'http://localhost:8081'")
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw invalid(`url begins with '${url.protocol}'; give http: or https:`)
  if (url.search !== '' || url.hash !== '') throw invalid('url has a query or a fragment; give it without')
  return url
}

function userOf({ username, password }: URL): BasicAuth {
  try {
    return { user: decodeURIComponent(username), password: decodeURIComponent(password) }
  } catch {
    throw invalid('the user in the url cannot be read; give it with auth')
  }
}

function demandSame(one: BasicAuth, other: BasicAuth): void {
  if (one.user !== other.user || one.password !== other.password)
    throw invalid('its urls have different users; give one with auth')
}

const invalid = (what: string): MillraceError => new MillraceError('OPTIONS_INVALID', `registry: ${what}.`)
