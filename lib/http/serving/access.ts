import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../core/clock.js'
import { HttpError } from '../http-error.js'
import { isLoopbackName } from '../loopback.js'
import { peerToken } from '../peer-request.js'
import type { ResolvedHttp } from '../options.js'
import type { HttpContext, Route } from '../route.js'
import { Sessions } from './sessions.js'

/** A request that came by a proxy is not from this machine, although the connection is. */
const ofProxies = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via']

/** Who may do what. */
export class Access {
  readonly #options: Pick<ResolvedHttp, 'token' | 'insecure'>
  readonly #advertised: () => string | undefined
  readonly #digest: Buffer | undefined
  readonly #sessions: Sessions | undefined

  constructor(options: Pick<ResolvedHttp, 'token' | 'insecure'>, clock: Clock, advertised: () => string | undefined) {
    this.#options = options
    this.#advertised = advertised
    this.#digest = options.token === undefined ? undefined : digestOf(options.token)
    this.#sessions = options.token === undefined ? undefined : new Sessions(options.token, clock)
  }

  get hasToken(): boolean {
    return this.#digest !== undefined
  }

  /** A cookie for whoever has the token; undefined when it is not the token. */
  beginSession(token: string, request: Request): string | undefined {
    // Each proxy adds what it was asked by; the first has the browser.
    const forwarded = request.headers.get('x-forwarded-proto')?.split(',')[0]?.trim().toLowerCase()
    const isSecure = new URL(request.url).protocol === 'https:' || forwarded === 'https'
    return this.#isToken(token) ? this.#sessions?.begin(isSecure) : undefined
  }

  endSession(): string {
    return this.#sessions?.end() ?? ''
  }

  /** Throws `NOT_ALLOWED`: 401 where a token is missing, else 403. */
  demand(access: Route['access'], request: Request, url: URL, context: HttpContext): void {
    if (access === 'open') return
    if (access === 'write') this.demandSameSite(request)
    if (context.may === 'write' || (context.may === 'read' && access === 'read')) return
    if (this.#digest !== undefined) return this.#demandToken(request.headers)
    if (access === 'read' && this.#options.insecure) return
    this.#demandLocal(request.headers, url, context)
  }

  #demandToken(headers: Headers): void {
    const given = /^bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1]
    if (given === undefined ? this.#sessions?.isIn(headers) === true : this.#isToken(given) || this.#isPeers(given))
      return
    const what = given === undefined ? 'a token is needed' : 'this is not the token'
    throw new HttpError(
      401,
      'NOT_ALLOWED',
      `${what}: send authorization: Bearer and the token that the app was given`,
      {
        headers: { 'www-authenticate': 'Bearer' },
      },
    )
  }

  /** In a time that does not depend on how much of it is right. */
  #isToken(given: string): boolean {
    return this.#digest !== undefined && timingSafeEqual(digestOf(given), this.#digest)
  }

  /** What other instances send to where this one has told the group that it is. */
  #isPeers(given: string): boolean {
    const { token } = this.#options
    const url = this.#advertised()
    if (token === undefined || url === undefined) return false
    return timingSafeEqual(digestOf(given), digestOf(peerToken(token, url)))
  }

  #demandLocal(headers: Headers, url: URL, { remoteAddress }: HttpContext): void {
    const isNear = typeof remoteAddress === 'string' && isLoopbackName(remoteAddress)
    if (!isNear || ofProxies.some((name) => headers.has(name)))
      throw refused('without a token only requests from this machine are answered; give the app http: { token }')
    // A page whose name was made to lead here would be of the same origin for its browser.
    if (!isLoopbackName(url.hostname) && url.host !== this.#advertisedHost)
      throw refused('without a token it is to be asked as localhost, 127.0.0.1 or [::1]; give the app http: { token }')
  }

  /** Throws `NOT_ALLOWED` for what a page of another origin makes a browser ask. */
  demandSameSite({ headers, url }: Request): void {
    const site = headers.get('sec-fetch-site')
    const origin = headers.get('origin')
    if (site === null ? this.#isOwn(origin, new URL(url)) : site === 'same-origin' || site === 'none') return
    throw refused('pages of another origin may change nothing here')
  }

  /** Older browsers, and those on plain HTTP, tell the origin only. Programs tell none. */
  #isOwn(origin: string | null, url: URL): boolean {
    if (origin === null) return true
    if (!URL.canParse(origin)) return false
    const { host } = new URL(origin)
    return host !== '' && (host === url.host || host === this.#advertisedHost)
  }

  get #advertisedHost(): string | undefined {
    const advertised = this.#advertised()
    return advertised === undefined ? undefined : new URL(advertised).host
  }
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest()

const refused = (message: string): HttpError => new HttpError(403, 'NOT_ALLOWED', message)
