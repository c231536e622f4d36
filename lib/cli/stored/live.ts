import { CliError } from '../frame/exits.js'
import type { Instance } from '../frame/instance.js'
import type { KeyRange } from './keys.js'

/** An object as an instance tells it; the fields are those of its answer. */
export interface LiveObject {
  readonly key: string
  readonly value?: unknown
  readonly task?: number
  readonly offset?: number
}

const perPage = 500

/** Rejects with what the instance says: a kind it does not have, a task that nobody has. */
export async function liveObject(instance: Instance, kind: string, key: string): Promise<object | undefined> {
  const answer = await instance
    .ask('GET', `/state/${encodeURIComponent(kind)}?${keyed(key)}`)
    .catch((error: unknown) => {
      if (isNoObject(error)) return undefined
      throw error
    })
  if (answer === undefined) return undefined
  return demandObject(answer, '/state')
}

/** Not in the path, where '.' and nothing mean something else. */
const keyed = (key: string): string => new URLSearchParams({ key }).toString()

/** An answer about a kind that there is not says so with another code. */
const isNoObject = (error: unknown): boolean =>
  error instanceof CliError && error.exit === 'notFound' && error.message.includes('(OBJECT_MISSING)')

/** Objects in the order of their keys, page by page. */
export async function* liveList(
  instance: Instance,
  kind: string,
  { prefix, after, limit }: KeyRange,
): AsyncGenerator<LiveObject, void, undefined> {
  let left = limit
  let behind = after
  while (left > 0) {
    const query = new URLSearchParams({ prefix, limit: String(Math.min(left, perPage)) })
    if (behind !== undefined) query.set('after', behind)
    const answer = demandObject(
      await instance.ask('GET', `/state/${encodeURIComponent(kind)}?${query.toString()}`),
      '/state',
    )
    const { objects, next } = answer as { readonly objects?: unknown; readonly next?: unknown }
    if (!Array.isArray(objects)) throw misread('/state')
    for (const object of objects as readonly LiveObject[]) yield object
    left -= objects.length
    if (typeof next !== 'string') return
    behind = next
  }
}

/** Changes as they come, until the stream or the command ends. */
export async function* liveChanges(
  instance: Instance,
  kind: string,
  { key, prefix }: { readonly key: string | undefined; readonly prefix: string | undefined },
): AsyncGenerator<unknown, void, undefined> {
  const query = key === undefined ? new URLSearchParams({ prefix: prefix ?? '' }).toString() : keyed(key)
  const { body } = await instance.open(`/watch/${encodeURIComponent(kind)}?${query}`)
  if (body === null) return
  let text = ''
  for await (const part of body.pipeThrough(new TextDecoderStream())) {
    text += part
    const events = text.split(/\r?\n\r?\n/)
    text = events.pop() as string
    for (const event of events) {
      const data = event
        .split(/\r?\n/)
        .flatMap((line) => (line.startsWith('data:') ? [line.slice(5).replace(/^ /, '')] : []))
        .join('\n')
      if (data !== '') yield JSON.parse(data) as unknown
    }
  }
}

function demandObject(answer: unknown, path: string): object {
  if (typeof answer === 'object' && answer !== null) return answer
  throw misread(path)
}

const misread = (path: string): CliError =>
  new CliError('failed', `the instance answered ${path} with something that this version does not know`)
