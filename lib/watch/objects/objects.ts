import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Asking } from '../overview/asking.js'
import type { Peers } from '../overview/peers.js'
import type { ObjectDetail, ObjectLine, ObjectList, QuarantinedLine, QuarantinedList } from '../overview/shapes.js'
import { inOrder, type Listing, type LocalObjects } from './local-objects.js'

/** Others have to read from their disks. */
const patienceMs = 5_000
/** Says that an instance is to answer for itself, not for all. */
export const hereOnly = { here: '1' } as const

/** Objects of the whole app, wherever they are. */
export class Objects {
  readonly #local: LocalObjects
  readonly #peers: Peers

  constructor(local: LocalObjects, peers: Peers) {
    this.#local = local
    this.#peers = peers
  }

  async list(listing: Listing, isHere: boolean): Promise<ObjectList> {
    const { kind, prefix, after, limit } = listing
    const own = await this.#local.list(listing)
    const query = { kind, prefix, limit: String(limit), ...(after === undefined ? {} : { after }), ...hereOnly }
    const { answers, missing } = isHere
      ? none
      : await this.#peers.askAll({ path: '/api/objects', query, timeoutMs: patienceMs }, isObjectList)
    const all = inOrder<ObjectLine>([...own, ...answers.flatMap(({ objects }) => objects)])
    const more = all.length > limit || answers.some((answer) => answer.more)
    return { objects: all.slice(0, limit), more, missing }
  }

  async quarantined(limit: number, isHere: boolean): Promise<QuarantinedList> {
    const own = await this.#local.quarantined(limit)
    const query = { limit: String(limit), ...hereOnly }
    const { answers, missing } = isHere
      ? none
      : await this.#peers.askAll({ path: '/api/quarantined', query, timeoutMs: patienceMs }, isQuarantinedList)
    const all: QuarantinedLine[] = [...own, ...answers.flatMap(({ objects }) => objects)]
    all.sort((a, b) => b.since - a.since)
    return { objects: all.slice(0, limit), more: all.length > limit || answers.some((answer) => answer.more), missing }
  }

  /** Rejects with `KEY_ELSEWHERE` when whoever has the object cannot be asked. */
  async detail(kind: string, key: string, isHere: boolean): Promise<ObjectDetail> {
    const found = await this.#local.detail(kind, key)
    if (found !== undefined) return found
    const asking = { path: '/api/object', query: { kind, key, ...hereOnly }, timeoutMs: patienceMs }
    const answer = await this.atOwner(kind, key, isHere, asking)
    if (isObjectDetail(answer)) return answer
    const what = `${kind} '${key.slice(0, 200)}': the instance that has it answers in a form that is not known here: it may be of another version`
    throw new MillraceError('OWNER_AWAY', what, { kind, key })
  }

  /** Asks the instance that has the object, which is not this one. Rejects with `KEY_ELSEWHERE` when it cannot be asked. */
  async atOwner(kind: string, key: string, isHere: boolean, asking: Asking): Promise<unknown> {
    const task = this.#local.taskOf(kind, key)
    const owner = isHere ? undefined : await this.#peers.ownerOf(task)
    const where = `${kind} '${key.slice(0, 200)}' is in task ${task}`
    const facts = { kind, key, partition: task }
    if (owner === undefined)
      throw new MillraceError(
        'KEY_ELSEWHERE',
        `${where}, which does not run here: it is being restored, or nobody has it yet`,
        facts,
      )
    try {
      return await this.#peers.ask(owner, asking)
    } catch (cause) {
      if (MillraceError.is(cause)) throw cause
      const what = `${where} of instance ${owner.instance}, which cannot be asked: ${reasonOf(cause)}`
      throw new MillraceError('KEY_ELSEWHERE', what, { ...facts, cause })
    }
  }
}

const none = { answers: [], missing: [] }

function isObjectList(answer: unknown): answer is ObjectList {
  const { objects } = (answer ?? {}) as Partial<ObjectList>
  return Array.isArray(objects) && objects.every((line) => typeof line?.key === 'string' && isShown(line.state))
}

function isObjectDetail(answer: unknown): answer is ObjectDetail {
  const { instance, state, timers, waiting } = (answer ?? {}) as Partial<ObjectDetail>
  if (typeof instance !== 'string' || (state !== undefined && !isShown(state)) || !Array.isArray(timers)) return false
  const first = waiting?.first
  return (
    timers.every((timer) => typeof timer?.name === 'string' && isShown(timer.payload)) &&
    (first === undefined || (isShown(first.key) && isShown(first.value)))
  )
}

function isShown(value: unknown): boolean {
  return typeof (value as { readonly text?: unknown } | null | undefined)?.text === 'string'
}

function isQuarantinedList(answer: unknown): answer is QuarantinedList {
  const { objects } = (answer ?? {}) as Partial<QuarantinedList>
  return (
    Array.isArray(objects) &&
    objects.every((line) =>
      [line?.key, line?.kind, line?.code, line?.instance].every((each) => typeof each === 'string'),
    )
  )
}
