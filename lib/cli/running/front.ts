import { createServer, request as ask, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isLoopbackName } from '../../http/loopback.js'
import type { Child } from './child.js'
import { mergedMetrics } from './merged-metrics.js'

/** How long a child may take to answer for itself where all are asked. */
const answerMs = 5_000
const longestText = 16 * 1_024 * 1_024

interface Answer {
  readonly child: Child
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

/** One address for all processes: probes and metrics of the whole, and everything else from one that is there. */
export class Front {
  readonly #server: Server
  readonly #children: () => readonly Child[]
  readonly #processes: number

  private constructor(children: () => readonly Child[], processes: number) {
    this.#children = children
    this.#processes = processes
    this.#server = createServer({ maxHeaderSize: 16_384, requestTimeout: 30_000 }, (incoming, response) => {
      response.on('error', () => undefined)
      this.#answer(incoming, response).catch(() => response.destroy())
    })
  }

  /** Rejects as `listen` does. */
  static async open(host: string, port: number, children: () => readonly Child[], processes: number): Promise<Front> {
    const front = new Front(children, processes)
    await new Promise<void>((resolve, reject) => {
      front.#server.once('error', reject)
      front.#server.listen({ host, port }, resolve)
    })
    front.#server.on('error', () => undefined)
    return front
  }

  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo
    return `http://${address.includes(':') ? `[${address}]` : address}:${port}`
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (incoming.url ?? '/').split('?')[0]
    if (incoming.method === 'GET' && (path === '/livez' || path === '/readyz'))
      return this.#probe(path, incoming, response)
    if (incoming.method === 'GET' && path === '/metrics') return this.#metrics(incoming, response)
    this.#pass(this.#listening, incoming, response)
  }

  /** Those that are to end last: they may not answer any more. */
  get #listening(): readonly Child[] {
    const listening = this.#children().filter(({ report }) => report.url !== undefined)
    return [...listening.filter(({ isEnding }) => !isEnding), ...listening.filter(({ isEnding }) => isEnding)]
  }

  /** Live while somebody is, or is being started again; ready while somebody is. One that is there and does not answer is neither. */
  async #probe(path: '/livez' | '/readyz', incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const answers = await this.#askAll(path, incoming)
    const processes = answers.map(({ child, text }) => ({ process: child.number, ...(parse(text) as object) }))
    const good = answers.filter(({ status }) => status === 200).length
    const isStarting = this.#listening.length < this.#processes
    const isWell = good > 0 || (path === '/livez' && isStarting)
    const what = path === '/livez' ? 'live' : 'ready'
    send(
      response,
      isWell ? 200 : 503,
      'application/json',
      JSON.stringify({ [what]: isWell, [`${what}Processes`]: good, of: this.#processes, processes }),
    )
  }

  async #metrics(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const answers = await this.#askAll('/metrics', incoming)
    const refused = answers.find(({ status }) => status !== 200)
    if (answers.length === 0) return nobody(response)
    if (refused !== undefined) {
      const { status, headers, text } = refused
      return send(response, status, headers['content-type'] ?? 'text/plain', text, headers['www-authenticate'])
    }
    const texts = answers.map(({ child, text }) => ({ process: String(child.number), text }))
    send(response, 200, answers[0]?.headers['content-type'] ?? 'text/plain; version=0.0.4', mergedMetrics(texts))
  }

  async #askAll(path: string, incoming: IncomingMessage): Promise<readonly Answer[]> {
    const answers = await Promise.all(
      this.#listening.map((child) => askOne(child, path, headersOf(incoming)).catch(() => undefined)),
    )
    return answers.filter((answer) => answer !== undefined)
  }

  /** As it is, in both directions, for as long as both go on: streams too. What only asks goes to the next where one does not answer. */
  #pass([child, ...others]: readonly Child[], incoming: IncomingMessage, response: ServerResponse): void {
    if (child === undefined) return nobody(response)
    const { method, url } = incoming
    const mayRepeat = method === 'GET' || method === 'HEAD'
    const headers = headersOf(incoming)
    const passed = ask(new URL(child.report.url as string), { method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(response)
      answer.on('error', () => response.destroy())
    })
    const leave = (): void => void passed.destroy()
    response.on('close', leave)
    passed.on('error', () => {
      response.off('close', leave)
      if (response.headersSent || response.destroyed) response.destroy()
      else if (mayRepeat) this.#pass(others, incoming, response)
      else away(response, 'the process that was asked has gone; whether it has done what it was asked is not known')
    })
    incoming.pipe(passed)
  }
}

/** A child sees only that its parent asks: who is not on this machine must not pass for somebody who is. */
export function headersOf({ headers, socket }: IncomingMessage): IncomingMessage['headers'] {
  const { connection: _connection, ...passed } = headers
  const from = socket.remoteAddress ?? 'unknown'
  if (isLoopbackName(from)) return passed
  const before = headers['x-forwarded-for']
  return { ...passed, 'x-forwarded-for': before === undefined ? from : `${String(before)}, ${from}` }
}

function askOne(child: Child, path: string, headers: IncomingMessage['headers']): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { 'content-length': _length, 'transfer-encoding': _encoding, 'accept-encoding': _accept, ...plain } = headers
    const asked = ask(new URL(child.report.url as string), { path, headers: plain }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => {
        text += part
        if (text.length > longestText) asked.destroy()
      })
      answer.on('end', () => resolve({ child, status: answer.statusCode ?? 502, headers: answer.headers, text }))
      answer.on('error', reject)
      answer.on('close', () => reject(new Error('cut off')))
    })
    asked.setTimeout(answerMs, () => asked.destroy(new Error('no answer')))
    asked.on('error', reject)
    asked.end()
  })
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

function nobody(response: ServerResponse): void {
  away(response, 'no process of the app answers just now; they are being started')
}

function away(response: ServerResponse, message: string): void {
  send(response, 503, 'application/json', JSON.stringify({ error: { code: 'OWNER_AWAY', message } }))
}

function send(response: ServerResponse, status: number, type: string, text: string, authenticate?: string): void {
  const headers = { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
  response.writeHead(status, authenticate === undefined ? headers : { ...headers, 'www-authenticate': authenticate })
  response.end(text)
}
