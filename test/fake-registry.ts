import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AvroSchema } from '../lib/codec/avro/avro-schema.js'

interface Entry {
  readonly schema: string
  readonly schemaType?: string
  readonly references?: readonly { readonly name: string; readonly subject: string; readonly version: number }[]
}

/** A schema registry over HTTP, as far as tests need one. It can go away and come back at the same address. */
export class FakeRegistry {
  readonly #ids = new Map<number, Entry>()
  /** Ids by subject, in order of their versions. */
  readonly subjects = new Map<string, number[]>()
  /** `GET /schemas/ids/1`, in the order in which they came. */
  readonly requests: string[] = []
  readonly authorizations: (string | undefined)[] = []
  /** Answers in its place, or gives true to leave it to the registry. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean = () => true
  incompatible = false
  #server: Server | undefined
  #port = 0
  #nextId = 1

  static async start(firstId = 1): Promise<FakeRegistry> {
    const fake = new FakeRegistry()
    fake.#nextId = firstId
    await fake.start()
    return fake
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  add(subject: string, schema: AvroSchema, more: Omit<Entry, 'schema'> = {}): number {
    const id = this.#nextId++
    this.put(subject, id, schema, more)
    return id
  }

  put(subject: string, id: number, schema: AvroSchema, more: Omit<Entry, 'schema'> = {}): void {
    this.#ids.set(id, { schema: JSON.stringify(schema), ...more })
    this.subjects.set(subject, [...(this.subjects.get(subject) ?? []), id])
  }

  async start(): Promise<void> {
    this.#server = createServer((request, response) => void this.#answer(request, response))
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections()
    await new Promise((resolve) => this.#server?.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const path = decodeURIComponent((request.url as string).split('?')[0] as string)
    this.requests.push(`${request.method} ${path}`)
    this.authorizations.push(request.headers.authorization)
    if (!this.intercept(request, response)) return
    const body = parts.length === 0 ? {} : (JSON.parse(Buffer.concat(parts).toString()) as Partial<Entry>)
    const [status, answer] = this.#answerTo(request.method as string, path, body)
    response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' }).end(JSON.stringify(answer))
  }

  #answerTo(method: string, path: string, { schema }: Partial<Entry>): [status: number, body: unknown] {
    const byId = /^\/schemas\/ids\/(-?\d+)$/.exec(path)
    if (byId !== null) {
      const entry = this.#ids.get(Number(byId[1]))
      return entry === undefined ? [404, { error_code: 40403, message: 'Schema not found' }] : [200, entry]
    }
    if (path.startsWith('/compatibility/'))
      return [200, { is_compatible: !this.incompatible, messages: ['READER_FIELD_MISSING: qty'] }]
    const [, subject = '', , version] = /^\/subjects\/([^/]+)(\/versions(?:\/(\w+))?)?$/.exec(path) ?? []
    const ids = this.subjects.get(subject)
    const found = ids?.find((id) => this.#ids.get(id)?.schema === schema)
    if (method === 'POST' && path.endsWith('/versions')) {
      if (found !== undefined) return [200, { id: found }]
      if (this.incompatible) return [409, { error_code: 409, message: 'Schema being registered is incompatible' }]
      return [200, { id: this.add(subject, JSON.parse(schema as string) as AvroSchema) }]
    }
    if (ids === undefined) return [404, { error_code: 40401, message: 'Subject not found' }]
    if (method === 'POST')
      return found === undefined ? [404, { error_code: 40403, message: 'Schema not found' }] : [200, { id: found }]
    if (version === undefined) return [200, ids.map((_, i) => i + 1)]
    const id = version === 'latest' ? ids.at(-1) : ids[Number(version) - 1]
    return id === undefined
      ? [404, { error_code: 40402, message: 'Version not found' }]
      : [200, { id, subject, ...this.#ids.get(id) }]
  }
}
