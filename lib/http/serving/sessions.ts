import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../core/clock.js'

const lifeMs = 12 * 3_600_000

/**
 * What a browser has instead of the token, since links and event streams cannot send one in a header: a cookie that says until when it is good,
 * signed with the token. So every instance with the same token knows it, nothing is kept, and the token itself stays out of the browser.
 */
export class Sessions {
  readonly #token: string
  readonly #clock: Clock
  /** Of this app: a browser has one cookie of a name for all ports of a host, where other apps may be. */
  readonly #name: string

  constructor(token: string, clock: Clock) {
    this.#token = token
    this.#clock = clock
    this.#name = `millrace_session_${this.#signed('name').slice(0, 8)}`
  }

  /** For `set-cookie`. Without a path it is sent to where the handler is mounted, and not beside it. */
  begin(secure: boolean): string {
    const end = String(this.#clock.now() + lifeMs)
    return `${this.#name}=${end}.${this.#signed(`until ${end}`)}; Max-Age=${lifeMs / 1_000}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`
  }

  end(): string {
    return `${this.#name}=; Max-Age=0; HttpOnly; SameSite=Strict`
  }

  isIn(headers: Headers): boolean {
    return (headers.get('cookie') ?? '')
      .split(/; */)
      .some((cookie) => cookie.startsWith(`${this.#name}=`) && this.#isGood(cookie.slice(this.#name.length + 1)))
  }

  #isGood(session: string): boolean {
    const [, end, signature] = /^(\d{1,15})\.([\w-]{43})$/.exec(session) ?? []
    if (end === undefined || signature === undefined) return false
    const isOurs = timingSafeEqual(Buffer.from(signature), Buffer.from(this.#signed(`until ${end}`)))
    return isOurs && Number(end) > this.#clock.now()
  }

  #signed(text: string): string {
    return createHmac('sha256', this.#token).update(`session ${text}`).digest('base64url')
  }
}
