import { cutText, MillraceError, reasonOf, type ErrorFacts } from '../../core/errors.js'
import { errorTold, peerHeaders, textWithin } from '../../http/peer-request.js'
import {
  answers,
  type GetAnswer,
  type GetQuestion,
  type PageAnswer,
  type PageQuestion,
  type PeerQuestion,
  type TaskAnswer,
} from './messages.js'

export const peerPath = '/peer/state'

/** Of one answer: a page has about one, and a state as much as a record may. */
const mostBytes = 64 << 20
const longestMessage = 10_000

/** Another instance of the app, asked over HTTP. What it says is wrong comes as the error that it is; all else is `OWNER_AWAY`. */
export class Peer {
  readonly #url: string
  readonly #instance: string
  readonly #token: string | undefined

  constructor(url: string, instance: string, token: string | undefined) {
    this.#url = url
    this.#instance = instance
    this.#token = token
  }

  async get(question: Omit<GetQuestion, 'op'>, mostMs: number): Promise<GetAnswer> {
    return this.#read(answers.get, await this.#ask({ op: 'get', ...question }, mostMs))
  }

  async page(question: Omit<PageQuestion, 'op'>, mostMs: number): Promise<PageAnswer> {
    return this.#read(answers.page, await this.#ask({ op: 'page', ...question }, mostMs))
  }

  async task(task: number, mostMs: number): Promise<TaskAnswer> {
    return this.#read(answers.task, await this.#ask({ op: 'task', task }, mostMs))
  }

  async #ask(question: PeerQuestion, mostMs: number): Promise<unknown> {
    let body: unknown
    let status = 0
    try {
      const response = await fetch(`${this.#url.replace(/\/+$/, '')}${peerPath}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...peerHeaders(this.#token, this.#url, this.#instance),
        },
        body: JSON.stringify(question),
        redirect: 'error',
        signal: AbortSignal.timeout(Math.max(1, Math.ceil(mostMs))),
      })
      status = response.status
      body = JSON.parse(await textWithin(response, mostBytes))
    } catch (error) {
      throw this.#away(error, status)
    }
    if (status === 200) return body
    throw this.#told(body, status)
  }

  #read<T>(read: (body: unknown) => T, body: unknown): T {
    try {
      return read(body)
    } catch (error) {
      throw this.#away(error, 200)
    }
  }

  #told(body: unknown, status: number): MillraceError {
    const { code, message, error } = errorTold(body)
    if (code === undefined)
      return this.#away(
        message === undefined ? 'no instance of this app answers so' : cutText(message, longestMessage),
        status,
      )
    const { kind, key, topic, partition, offset } = error
    const facts = { kind, key, topic, partition, offset } as ErrorFacts
    return new MillraceError(code, cutText(String(error['message']), longestMessage), facts)
  }

  #away(cause: unknown, status: number): MillraceError {
    const where = `instance ${this.#instance} at ${this.#url}`
    const what = status === 0 || status === 200 ? 'cannot be asked' : `answers with status ${status}`
    return new MillraceError('OWNER_AWAY', `${where} ${what}: ${reasonOf(cause)}`, { cause })
  }
}
