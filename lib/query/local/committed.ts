import { MillraceError } from '../../core/errors.js'
import { offsetOf, type TopicPartition } from '../../core/record.js'
import type { TokenTopic } from '../../log/client/commit-token.js'
import { sourceNames } from '../../model/stream.js'
import { nextCommits } from '../../runtime/drain.js'
import type { Engine } from '../../runtime/engine.js'
import { waitsFor } from '../../turn/kept/waiting.js'
import type { Deadline } from './deadline.js'
import { shownKey, type KindAt, type Place } from './kind-at.js'
import { notHere, type LocalState } from './local-state.js'

/** So long an offset may lie beyond what its partition is known to hold: with `acks: 1` a producer hears of it earlier than readers. */
const beyondMs = 1_000

/** Records that are to have had their effect: those before `end` in one partition. */
interface Awaited extends TopicPartition {
  readonly offset: number
  readonly end: number
}

/** Throws `TOKEN_INVALID` for tokens of what the kind does not read, or of another log. */
export function demandTokens(engine: Engine, kind: KindAt, tokens: readonly TokenTopic[]): void {
  const { definition } = kind
  const { ids } = engine.parts.topology
  const read = new Set(definition.inputs.flatMap(({ from }) => sourceNames(from)))
  for (const { topic, id } of tokens) {
    if (!read.has(topic))
      throw invalid(
        `it is of ${topic}, and state object '${definition.name}' reads ${[...read].join(', ')}: what it does not read itself it cannot wait for`,
        topic,
      )
    if (id !== undefined && ids.get(topic) !== id)
      throw invalid(`the topic ${topic} that it is of is another one: made anew since, or of another cluster`, topic)
  }
}

/**
 * Resolves when all that was written up to the tokens has had its effect on an object here, and that is committed. Rejects with
 * `READ_TIMEOUT`, with `TOKEN_INVALID` for an offset that its partition does not have, and as `LocalState.read` does when the task goes.
 */
export async function untilCommitted(
  local: LocalState,
  kind: KindAt,
  place: Place,
  tokens: readonly TokenTopic[],
  deadline: Deadline,
): Promise<void> {
  const wait = new Wait(local, kind, place, deadline)
  const { cycle } = local.engine.parts
  // Commits that only move positions come at once, as long as somebody waits.
  cycle.hurried++
  try {
    for (const { topic, last } of tokens)
      for (const [partition, offset, more] of last) await wait.for(topic, partition, offset, more)
  } finally {
    cycle.hurried--
  }
}

class Wait {
  readonly #local: LocalState
  readonly #engine: Engine
  readonly #kind: KindAt
  readonly #place: Place
  readonly #deadline: Deadline

  constructor(local: LocalState, kind: KindAt, place: Place, deadline: Deadline) {
    this.#local = local
    this.#engine = local.engine
    this.#kind = kind
    this.#place = place
    this.#deadline = deadline
  }

  async for(topic: string, partition: number, offset: number, more: number): Promise<void> {
    await this.#untilRead(topic, partition)
    const { task, storedKey } = this.#place
    const { name, inputs } = this.#kind.definition
    const routes = new Set(inputs.flatMap(({ from, route }) => (sourceNames(from).includes(topic) ? [route] : [])))
    const isOwn = partition === task
    const comesInPlace = isOwn && (routes.has('auto') || routes.has('aligned'))
    const hops = routes.has('shuffle') || (routes.has('auto') && !isOwn)
    const isThere = comesInPlace && !hops && more === 0 && this.#committed(topic) > offset
    const awaited = {
      topic,
      partition,
      offset,
      end: isThere ? offset + 1 : await this.#endOf(topic, partition, offset, more),
    }
    const where = `${topic}[${partition}]@${offset}`
    if (comesInPlace)
      await this.#until(() => this.#committed(topic) >= awaited.end, `${where} is processed in task ${task}`)
    if (hops) await this.#untilArrived(awaited, where)
    const object = { kind: name, key: storedKey }
    const last = { topic, partition, offset: awaited.end - 1 }
    await this.#until(
      () => !waitsFor(this.#local.rows(this.#kind, task), object, last),
      `the turn of ${where} ends: it is under way, or has failed and is tried again`,
    )
  }

  /** A partition that was just added has been written to before the app reads it. */
  async #untilRead(topic: string, partition: number): Promise<void> {
    const { growth, topology } = this.#engine.parts
    const isRead = (): boolean => partition < (topology.inputs.get(topic) ?? 0)
    if (isRead()) return
    await this.#asked(growth.look())
    const count = growth.partitions[topic] ?? 0
    if (partition >= count) throw invalid(`it is of partition ${partition} of ${topic}, which has ${count}`, topic)
    await this.#until(isRead, `${topic}[${partition}], which was just added, is read`)
  }

  /** What hops is in the same commit as the position behind its record: first that, and then all that the inbox has by then. */
  async #untilArrived(awaited: Awaited, where: string): Promise<void> {
    const { topic, partition } = awaited
    const handedOn = `${where} is processed in task ${partition}, which hands it on`
    await this.#until(async () => (await this.#processed(topic, partition)) >= awaited.end, handedOn)
    const inbox = this.#engine.parts.topology.inboxes[this.#kind.index] as string
    const end = await this.#highWatermark(inbox, this.#place.task)
    await this.#until(
      () => this.#committed(inbox) >= end,
      `${where} is processed in task ${this.#place.task}, to which it was handed on`,
    )
  }

  /** How far the task of the object is in a topic. */
  #committed(topic: string): number {
    const { task, key } = this.#place
    const running = this.#engine.parts.tasks.running.get(task)
    if (running === undefined) throw notHere(this.#local.whereIs(task), this.#kind.definition.name, task, key)
    return running.committedPositions.get(topic) ?? 0
  }

  /** How far the app is in a partition, whoever reads it. What is pending is not waited for, and does not count. */
  async #processed(topic: string, partition: number): Promise<number> {
    const here = this.#engine.parts.tasks.running.get(partition)
    if (here !== undefined) return here.committedPositions.get(topic) ?? 0
    const { app, log } = this.#engine.options
    const [committed] = await this.#asked(log.admin.groupOffsets(app, [{ topic, partition }], 'any'))
    return committed?.offset ?? 0
  }

  /** Behind the last of so many records, of which the partition may have fewer. */
  async #endOf(topic: string, partition: number, offset: number, more: number): Promise<number> {
    const since = this.#engine.options.clock.elapsed()
    for (;;) {
      const end = await this.#highWatermark(topic, partition)
      if (offset < end) return Math.min(offset + more + 1, end)
      if (this.#engine.options.clock.elapsed() - since > Math.min(beyondMs, this.#deadline.leftMs))
        throw invalid(
          `it is of offset ${offset} of ${topic}[${partition}], which ends at ${end}: it is of another cluster, or records were lost`,
          topic,
        )
      await this.#deadline.sleep(50)
    }
  }

  async #highWatermark(topic: string, partition: number): Promise<number> {
    const ends = await this.#asked(this.#engine.options.log.admin.endOffsets([{ topic, partition }], 'all'))
    return offsetOf(ends, topic, partition) ?? 0
  }

  #asked<T>(answer: Promise<T>): Promise<T> {
    return this.#deadline.race(answer, () => this.#late('the brokers answer'))
  }

  async #until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const next = nextCommits(this.#engine)
    while (!(await isSo())) {
      if (this.#deadline.isOver) throw this.#late(what)
      await this.#deadline.race(next(), () => this.#late(what))
    }
  }

  #late(what: string): MillraceError {
    const { name } = this.#kind.definition
    const { key, task } = this.#place
    return new MillraceError(
      'READ_TIMEOUT',
      `${name} '${shownKey(key)}': the time of the read is over, and it still waits until ${what}. Ask again with the same token, or give it a longer \`timeout\`.`,
      { kind: name, key, partition: task },
    )
  }
}

function invalid(why: string, topic: string): MillraceError {
  return new MillraceError('TOKEN_INVALID', `the commit token cannot be waited for: ${why}`, { topic })
}
