import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../core/clock.js'

const name = 'millrace_session'
const lifeMs = 12 * 3_600_000

/**
 * What a browser has instead of the token, since links and event streams cannot send one in a header: a cookie that says until when it is good,
 * signed with the token. So every instance with the same token knows it, nothing is kept, and the token itself stays out of the browser.
 */
export class Sessions {
  readonly #token: string
  readonly #clock: Clock

  constructor(token: string, clock: Clock) {
    this.#token = token
    this.#clock = clock
  }

  /** For `set-cookie`. Without a path it is sent to where the handler is mounted, and not beside it. */
  begin(secure: boolean): string {
    const end = String(this.#clock.now() + lifeMs)
    return `${name}=${end}.${this.#signed(end)}; Max-Age=${lifeMs / 1_000}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`
  }

  end(): string {
    return `${name}=; Max-Age=0; HttpOnly; SameSite=Strict`
  }

  isIn(headers: Headers): boolean {
    return (headers.get('cookie') ?? '')
      .split(/; */)
      .some((cookie) => cookie.startsWith(`${name}=`) && this.#isGood(cookie.slice(name.length + 1)))
  }

  #isGood(session: string): boolean {
    const [, end, signature] = /^(\d{1,15})\.([\w-]{43})$/.exec(session) ?? []
    if (end === undefined || signature === undefined) return false
    const isOurs = timingSafeEqual(Buffer.from(signature), Buffer.from(this.#signed(end)))
    return isOurs && Number(end) > this.#clock.now()
  }

  #signed(end: string): string {
    return createHmac('sha256', this.#token).update(`session until ${end}`).digest('base64url')
  }
}
