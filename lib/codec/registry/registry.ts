import { unlessAborted } from '../../core/clock.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import type { AvroSchema } from '../avro/avro-schema.js'
import type { AvroType } from '../avro/avro-type.js'
import { BackOff, pause } from './back-off.js'
import { idIn, NoSchema, refusedSchema, registeredIn, typeOf } from './registry-answers.js'
import { RegistryFailure, RegistryHttp, type Answer } from './registry-http.js'
import type { RegistryOptions } from './registry-options.js'

/** Where schemas are kept under ids, for `registryAvro`. One for all topics of an app, or of several apps. */
export interface Registry {
  /** Without what is secret in it. */
  readonly urls: readonly string[]
  /** Why it is asked again and again; undefined while it answers. */
  readonly trouble: string | undefined
}

/** What is known of an id. */
export type Known =
  | { readonly type: AvroType }
  /** It is of no use; `until`: or it was not there, and is asked for again after that (`performance.now`). */
  | { readonly why: string; readonly until: number }

/** So long an id that the registry does not have is not asked for again. */
const missingForMs = 10_000
/** A registry of several nodes may know a bit later what one of them has given out. */
const secondLookMs = 250
const mostKnown = 10_000

/** Throws `OPTIONS_INVALID`. Nothing is connected before it is used. */
export function registry(options: RegistryOptions): Registry {
  return new RegistryClient(options)
}

export class RegistryClient implements Registry {
  readonly #options: RegistryOptions
  readonly #http: RegistryHttp
  readonly #backOff = new BackOff()
  readonly #known = new Map<number, Known>()
  readonly #loading = new Map<number, Promise<void>>()
  trouble: string | undefined

  constructor(options: RegistryOptions) {
    this.#http = new RegistryHttp(options)
    this.#options = Object.freeze({ ...options })
  }

  /** Not a field: there are secrets in them, and who logs a registry shows its fields. */
  get options(): RegistryOptions {
    return this.#options
  }

  get urls(): readonly string[] {
    return this.#http.urls
  }

  /** Undefined when it has to be loaded. What was not there is so for some time only, unless `late`: then it is what was known last. */
  known(id: number, late = false): Known | undefined {
    const known = this.#known.get(id)
    if (known === undefined || 'type' in known || late) return known
    return performance.now() < known.until ? known : undefined
  }

  /** Asks for an id, once for all who want it. Resolves also when there was no answer, after a pause; never rejects. */
  load(id: number): Promise<void> {
    let loading = this.#loading.get(id)
    if (loading === undefined) {
      loading = this.#load(id).finally(() => this.#loading.delete(id))
      this.#loading.set(id, loading)
    }
    return loading
  }

  async #load(id: number): Promise<void> {
    await this.#backOff.wait()
    try {
      const path = `/schemas/ids/${id}`
      let answer = await this.#http.ask('GET', path)
      if (answer.status === 404) {
        await pause(secondLookMs)
        answer = await this.#http.ask('GET', path)
      }
      this.#keep(id, await this.#judged(id, answer))
      this.#answered()
    } catch (error) {
      this.#failed(error, `schema ${id}`)
    }
  }

  async #judged(id: number, answer: Answer): Promise<Known> {
    const { status } = answer
    if (status === 404)
      return { why: `the registry does not have schema ${id}`, until: performance.now() + missingForMs }
    if (status !== 200)
      throw new RegistryFailure('refused', `${this.urls[0]} refuses to give schema ${id}: ${this.#http.said(answer)}`)
    try {
      return { type: typeOf(await registeredIn(this.#http, answer)) }
    } catch (error) {
      if (!(error instanceof NoSchema)) throw error
      const until = error.isMissing ? performance.now() + missingForMs : Infinity
      return { why: `schema ${id} cannot be used: ${error.message}`, until }
    }
  }

  #keep(id: number, known: Known): void {
    this.#known.delete(id)
    this.#known.set(id, known)
    if (this.#known.size > mostKnown) this.#known.delete(this.#known.keys().next().value as number)
  }

  #answered(): void {
    this.trouble = undefined
    this.#backOff.succeeded()
  }

  /** What is no failure of the registry is one of ours. */
  #failed(error: unknown, wanted: string): void {
    const { message, retryAfterMs } =
      error instanceof RegistryFailure ? error : { message: reasonOf(error), retryAfterMs: 0 }
    this.#backOff.failed(retryAfterMs)
    this.trouble = `the schema registry is asked again and again, for ${wanted}: ${message}`
  }

  // ── for writers ────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * The id under which a subject has a schema; registers it where that is wanted. Rejects with `SCHEMA_REFUSED` and
   * `REGISTRY_REFUSED`. While the registry is away it goes on asking; resolves to undefined when `signal` aborts.
   */
  idOf(subject: string, schema: AvroSchema, type: AvroType, signal: AbortSignal): Promise<number | undefined> {
    return this.#patiently(`the id of subject '${subject}'`, signal, () => this.#idOf(subject, schema, type))
  }

  /** What the latest version of a subject is; undefined when there is none, or when `signal` aborts. Rejects with `REGISTRY_REFUSED`. */
  latestOf(subject: string, signal: AbortSignal): Promise<Known | undefined> {
    return this.#patiently(`the latest schema of subject '${subject}'`, signal, async () => {
      const answer = await this.#http.ask('GET', `/subjects/${encodeURIComponent(subject)}/versions/latest`)
      if (answer.status === 404) return undefined
      if (answer.status !== 200) throw this.#refusal(`the latest schema of subject '${subject}' cannot be had`, answer)
      return this.#judged(idIn(answer), answer)
    })
  }

  async #patiently<T>(wanted: string, signal: AbortSignal, ask: () => Promise<T>): Promise<T | undefined> {
    for (;;) {
      await this.#backOff.wait(signal)
      if (signal.aborted) return undefined
      try {
        const found = await unlessAborted(ask(), signal)
        if (!signal.aborted) this.#answered()
        return found
      } catch (error) {
        if (!(error instanceof RegistryFailure)) throw error
        if (error.kind === 'refused')
          throw new MillraceError('REGISTRY_REFUSED', `the schema registry was asked for ${wanted}: ${error.message}.`)
        this.#failed(error, wanted)
      }
    }
  }

  async #idOf(subject: string, schema: AvroSchema, type: AvroType): Promise<number> {
    const body = { schema: JSON.stringify(schema) }
    const path = `/subjects/${encodeURIComponent(subject)}`
    const found = await this.#http.ask('POST', path, body)
    if (found.status === 200) {
      const id = idIn(found)
      // Some take schemas for the same that differ in the order of their fields, and so in their bytes.
      if (await this.#isSame(id, type)) return id
    } else if (found.status !== 404) {
      throw this.#refusal(`the schema registry was asked for the schema of subject '${subject}'`, found)
    }
    if (this.options.register === false) throw refusedSchema(await this.#notThere(subject))
    const made = await this.#http.ask('POST', `${path}/versions`, body)
    if (made.status === 409) throw refusedSchema(await this.#incompatible(subject, body, made))
    if (made.status !== 200) throw this.#refusal(`the schema of subject '${subject}' cannot be registered`, made)
    const id = idIn(made)
    if (await this.#isSame(id, type)) return id
    throw refusedSchema(
      `subject '${subject}': the registry gives id ${id} for the schema of this app, and under that id it has another one, of other bytes; register it under another subject or name`,
    )
  }

  /** Whether both write the same bytes. */
  async #isSame(id: number, type: AvroType): Promise<boolean> {
    const answer = await this.#http.ask('GET', `/schemas/ids/${id}`)
    const known = await this.#judged(id, answer)
    if ('why' in known) return false
    this.#keep(id, known)
    return formOf(known.type) === formOf(type)
  }

  async #notThere(subject: string): Promise<string> {
    const { status, body } = await this.#http.ask('GET', `/subjects/${encodeURIComponent(subject)}/versions`)
    const versions = status === 200 && Array.isArray(body) ? `it has ${body.length} others` : 'it has none'
    return `subject '${subject}': the registry does not have the schema that this app writes (${versions}), and register is false. Register it (avroSchema(schema, name) is what to give), or leave register out.`
  }

  async #incompatible(subject: string, body: object, refused: Answer): Promise<string> {
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest?verbose=true`
    const { body: verdict } = await this.#http.ask('POST', path, body)
    const messages: readonly unknown[] = Array.isArray(verdict.messages) ? verdict.messages : []
    const said = messages
      .filter((each) => typeof each === 'string')
      .slice(0, 3)
      .map((each) => each.replace(/\s+/g, ' ').slice(0, 300))
    const why = said.length > 0 ? said.join('; ') : this.#http.said(refused)
    return `subject '${subject}': the schema that this app writes is not compatible with those before it: ${why}. Give added fields a default or make them optional, or change the compatibility of the subject in the registry.`
  }

  #refusal(what: string, answer: Answer): MillraceError {
    return new MillraceError('REGISTRY_REFUSED', `${what}: ${this.#http.said(answer)}.`)
  }
}

/** Parsing canonical form: what of a schema makes its bytes. */
const formOf = (type: AvroType): string => JSON.stringify(type.schema())
