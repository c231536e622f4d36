import { durationMs } from '../../core/duration.js'
import { checkedAddress, type RegistryAddress, type RegistryOptions } from './registry-options.js'

/** What a registry has said, as JSON. */
export interface Answer {
  readonly status: number
  /** Of its answers, where it is an error: `40403`. */
  readonly code: number | undefined
  readonly body: Readonly<Record<string, unknown>>
}

/** No answer that could be used. `away`: it may come by itself; `refused`: somebody has to repair something. */
export class RegistryFailure extends Error {
  readonly kind: 'away' | 'refused'
  /** So long the registry wants to be left alone. */
  readonly retryAfterMs: number

  constructor(kind: 'away' | 'refused', message: string, retryAfterMs = 0) {
    super(message)
    this.kind = kind
    this.retryAfterMs = retryAfterMs
  }
}

const defaultTimeoutMs = 10_000
/** A schema of this size is none. */
const maxBytes = 16 << 20
const maxRetryAfterMs = 60_000
const mediaType = 'application/vnd.schemaregistry.v1+json'

/** Requests to a registry, at whichever of its urls answers. Says nothing that is secret. */
export class RegistryHttp {
  readonly urls: readonly string[]
  readonly #address: RegistryAddress
  readonly #options: RegistryOptions
  readonly #timeoutMs: number
  readonly #secrets = new Set<string>()
  /** The one that answered last is asked first. */
  #first = 0

  /** Throws `OPTIONS_INVALID`. */
  constructor(options: RegistryOptions) {
    this.#address = checkedAddress(options)
    this.#options = options
    this.#timeoutMs = durationMs(options.timeout ?? defaultTimeoutMs, 'registry: timeout')
    this.urls = this.#address.urls
    for (const value of Object.values(options.headers ?? {})) this.#hide(value, ...credentialsIn(value))
  }

  /**
   * Each url once, until one answers; what one does not have, the others may. An answer is one of a registry: JSON, and an error
   * has a code. Throws `RegistryFailure`.
   */
  async ask(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer> {
    const failures: RegistryFailure[] = []
    let notThere: Answer | undefined
    for (let n = 0; n < this.urls.length; n++) {
      const at = (this.#first + n) % this.urls.length
      try {
        const answer = await this.#one(this.urls[at] as string, method, path, body)
        if (answer.status !== 404) {
          this.#first = at
          return answer
        }
        notThere ??= answer
      } catch (error) {
        if (!(error instanceof RegistryFailure)) throw error
        failures.push(error)
      }
    }
    if (notThere !== undefined) return notThere
    const isAway = failures.some(({ kind }) => kind === 'away')
    const afterMs = Math.max(...failures.map(({ retryAfterMs }) => retryAfterMs))
    throw new RegistryFailure(isAway ? 'away' : 'refused', failures.map(({ message }) => message).join('; '), afterMs)
  }

  async #one(url: string, method: string, path: string, body: object | undefined): Promise<Answer> {
    const headers = {
      ...this.#options.headers,
      accept: `${mediaType}, application/json`,
      ...(await this.#authorization()),
    }
    const init: RequestInit = {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': mediaType },
      redirect: 'manual',
      signal: AbortSignal.timeout(this.#timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }
    let response: Response
    let text: string | undefined
    try {
      response = await (this.#options.fetch ?? fetch)(`${url}${path}`, init)
      text = await textOf(response)
    } catch (error) {
      throw new RegistryFailure('away', `${url} ${this.#whyAway(error)}`)
    }
    return this.#judged(url, response, text)
  }

  #judged(url: string, { status, headers }: Response, text: string | undefined): Answer {
    const refuse = (what: string): RegistryFailure => new RegistryFailure('refused', `${url} ${this.#hidden(what)}`)
    if (status >= 300 && status < 400)
      throw refuse(`redirects to ${originOf(headers.get('location'))}: give the url that it means`)
    if (status === 401 || status === 403)
      throw refuse(`refuses the credentials, or what they may do (status ${status}): see auth`)
    if (status === 408 || status === 429 || status >= 500)
      throw new RegistryFailure(
        'away',
        `${url} answers with status ${status}`,
        retryAfterMs(headers.get('retry-after')),
      )
    if (text === undefined) throw refuse(`gives an answer of more than ${maxBytes >> 20} MiB: it is no schema registry`)
    const body = parsed(text)
    const code = typeof body?.error_code === 'number' ? body.error_code : undefined
    // A path that is not there has no code of a registry, or that of HTTP.
    if (body !== undefined && (status < 300 || (code !== undefined && code !== 404))) return { status, code, body }
    const type = /^[\w.+-]+\/[\w.+-]+/.exec(headers.get('content-type') ?? '')?.[0] ?? 'something'
    throw refuse(
      `gives no answer of a schema registry, but ${type} with status ${status}: is the url right, with its path?`,
    )
  }

  async #authorization(): Promise<Record<string, string>> {
    const { auth } = this.#address
    if (auth === undefined) return {}
    if ('user' in auth) {
      const encoded = Buffer.from(`${auth.user}:${auth.password}`).toString('base64')
      this.#hide(auth.password, encoded)
      return { authorization: `Basic ${encoded}` }
    }
    const { bearer } = auth
    let token: unknown = bearer
    if (typeof bearer === 'function') {
      try {
        token = await inTime(bearer(), this.#timeoutMs)
      } catch {
        // What it says of it may have the secret in it.
        throw new RegistryFailure(
          'away',
          `${this.urls[0]} is not asked: the function auth.bearer throws, or takes too long`,
        )
      }
    }
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
      throw new RegistryFailure('away', `${this.urls[0]} is not asked: the function auth.bearer gives no token`)
    this.#hide(token)
    return { authorization: `Bearer ${token}` }
  }

  #whyAway(error: unknown): string {
    const { name, cause } = (error ?? {}) as { name?: unknown; cause?: { code?: unknown } }
    if (name === 'TimeoutError' || name === 'AbortError') return `has not answered within ${this.#timeoutMs / 1_000} s`
    const code = cause?.code ?? (error as { code?: unknown } | undefined)?.code
    return `cannot be reached${typeof code === 'string' && /^[A-Z_0-9]{1,60}$/.test(code) ? ` (${code})` : ''}`
  }

  /** What a registry says about something, for people. */
  said({ body, status, code }: Answer): string {
    const { message } = body
    const text = typeof message === 'string' ? message.replace(/\s+/g, ' ').slice(0, 300) : `status ${status}`
    return `${this.#hidden(text)}${code === undefined ? '' : ` (${code})`}`
  }

  #hide(...secrets: readonly string[]): void {
    for (const secret of secrets) if (secret.length >= 4) this.#secrets.add(secret)
    // Tokens change.
    if (this.#secrets.size > 100) this.#secrets.delete([...this.#secrets][0] as string)
  }

  #hidden(text: string): string {
    return [...this.#secrets].reduce((shown, secret) => shown.replaceAll(secret, '***'), text)
  }
}

/** Of a header such as `Bearer <token>`, which a registry may repeat without its first word, or decoded. */
function credentialsIn(header: string): readonly string[] {
  const [, scheme = '', secret = ''] = /^(Basic|Bearer|Token|ApiKey) +(\S+)$/i.exec(header) ?? []
  if (scheme.toLowerCase() !== 'basic') return [secret]
  const [, password = ''] = /^[^:]*:(.*)$/s.exec(Buffer.from(secret, 'base64').toString()) ?? []
  return [secret, password]
}

/** Undefined when it is too large. */
async function textOf(response: Response): Promise<string | undefined> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    if ((length += part.length) > maxBytes) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

/** Undefined for what is no object; a list is one, with its items. */
function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** Rejects when it takes longer. */
async function inTime<T>(work: T | Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error('too late')), ms)))
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function originOf(location: string | null): string {
  try {
    return new URL(location ?? '').origin
  } catch {
    return 'elsewhere'
  }
}

function retryAfterMs(header: string | null): number {
  const seconds = Number(header ?? 0)
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1_000, maxRetryAfterMs) : 0
}
