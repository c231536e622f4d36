import { MillraceError, reasonOf } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import type { Headers, RecordInfo } from '../core/record.js'
import type { InputDefinition, KindDefinition } from '../model/state-object.js'
import { topicNode, type Topic } from '../model/stream.js'
import type { EmitOptions, Turn } from '../model/turn.js'
import type { Entry } from '../state/table.js'
import type { Outbox } from './outbox.js'

/** What all turns of a process share. */
export interface TurnSurroundings {
  readonly outbox: Outbox
  readonly partitions: ReadonlyMap<string, number>
  readonly logger: Logger
}

/**
 * One call of a handler. Made anew for each turn (about 10 ns of 1 µs): one that is kept beyond its turn must find itself
 * closed, which a reused one could not tell.
 */
class ActiveTurn implements Turn {
  readonly key: string
  readonly isNew: boolean
  #record: RecordInfo
  #surroundings: TurnSurroundings
  #ended = false
  deleted = false

  constructor(key: string, isNew: boolean, record: RecordInfo, surroundings: TurnSurroundings) {
    this.key = key
    this.isNew = isNew
    this.#record = record
    this.#surroundings = surroundings
  }

  get record(): RecordInfo {
    this.#open('record')
    return this.#record
  }

  get now(): number {
    this.#open('now')
    return this.#record.timestamp
  }

  get log(): Logger {
    return this.#surroundings.logger
  }

  emit<V>(target: Topic<V>, value: V, options?: EmitOptions): void {
    this.#open('emit')
    const { outbox, partitions } = this.#surroundings
    const { name, codec } = topicNode(target as Topic<never>)
    const key = options?.key === undefined ? this.key : options.key
    const headers = options?.headers === undefined ? undefined : bytesOf(options.headers)
    outbox.route(
      name,
      partitions.get(name),
      key,
      codec.encode(value),
      options?.timestamp ?? this.#record.timestamp,
      headers,
    )
  }

  delete(): void {
    this.#open('delete')
    this.deleted = true
  }

  end(): void {
    this.#ended = true
  }

  #open(what: string): void {
    if (!this.#ended) return
    throw new MillraceError(
      'TURN_ENDED',
      `turn.${what} of '${this.key}' was used after its turn had ended: a turn must not be kept beyond the handler's call`,
      {
        key: this.key,
      },
    )
  }
}

function bytesOf(headers: Readonly<Record<string, string | Uint8Array>>): Headers {
  return new Map(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? Buffer.from(value) : value]),
  )
}

/**
 * Runs one turn on an object, which is created when it is not there. Throws `HANDLER_FAILED` with the coordinates of the
 * record; the object may then be half changed and must be dropped.
 */
export function runTurn(
  kind: KindDefinition,
  input: InputDefinition,
  entry: Entry,
  value: unknown,
  record: RecordInfo,
  surroundings: TurnSurroundings,
): void {
  try {
    const isNew = entry.state === undefined
    if (isNew) entry.state = kind.init(entry.key)
    const turn = new ActiveTurn(entry.key, isNew, record, surroundings)
    const returned: unknown = input.handler(entry.state as never, value as never, turn)
    turn.end()
    if (returned !== undefined) refuseReturned(returned)
    if (turn.deleted) entry.state = undefined
  } catch (cause) {
    throw handlerFailed(kind, entry.key, record, cause)
  }
}

function refuseReturned(returned: unknown): never {
  if (returned instanceof Promise) {
    returned.catch(() => undefined)
    throw new TypeError('it returned a promise; handlers are synchronous in this version')
  }
  throw new TypeError('it returned a value; change the state in place and return nothing')
}

function handlerFailed(kind: KindDefinition, key: string, record: RecordInfo, cause: unknown): MillraceError {
  const { topic, partition, offset } = record
  return new MillraceError(
    'HANDLER_FAILED',
    `${topic}[${partition}]@${offset}: the handler of ${kind.name} '${key}' failed (${reasonOf(cause)}). Nothing of this turn was kept; repair the handler and start again, the record will be read again.`,
    { topic, partition, offset: Number(offset), kind: kind.name, key, cause },
  )
}
