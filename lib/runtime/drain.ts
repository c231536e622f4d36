import { allPartitions, offsetOf, type Positions, type TopicPartition } from '../core/record.js'
import type { Engine } from './engine.js'

/** Between two looks when no commit of this process wakes it, since other members commit too: at first short, then twice as long each time. */
const firstLookMs = 1
const lookAgainMs = 50

/**
 * Resolves when every record present at the call has been processed and committed, by whichever member owns it, and what was
 * written for it can be read; and lookups here see every row present at the call. Rejects with what stops the engine: what is
 * asked of the log meanwhile may never be answered, as a transaction that failed stays open until it is closed, or be refused
 * because it is being closed. Records of topics that are left are not waited for. With `concludes` event time here does not wait
 * any longer for partitions that have given nothing: there is nothing in them.
 */
export async function drained(engine: Engine, isLeft: IsLeft = nothing, concludes = false): Promise<void> {
  let unlisten = (): void => undefined
  const stopped = new Promise<void>((_resolve, reject) => {
    unlisten = engine.onCommitted(() => {
      if (engine.failure !== undefined) reject(engine.failure.error)
    })
  })
  try {
    await Promise.race([drain(engine, isLeft, concludes), stopped])
  } catch (error) {
    throw engine.failure === undefined ? error : engine.failure.error
  } finally {
    unlisten()
  }
}

/** Asked again each time it is looked. */
type IsLeft = (topic: string) => boolean

const nothing: IsLeft = () => false

/** First the sources, then the inboxes: what hopped on the way is in them by then. */
async function drain(engine: Engine, isLeft: IsLeft, concludes: boolean): Promise<void> {
  const { cycle, topology, growth, lookups } = engine.parts
  cycle.hurried++
  try {
    await lookups.caughtUp()
    // A partition that nobody reads yet may hold records already.
    await growth.look()
    const sources = Object.entries(growth.partitions)
    await committedTo(
      engine,
      sources.flatMap(([topic, count]) => allPartitions(topic, count)),
      isLeft,
    )
    let marks: number
    let isConcluded = false
    do {
      marks = cycle.marks
      await committedTo(
        engine,
        topology.inboxes.flatMap((topic) => allPartitions(topic, topology.stateTasks)),
        isLeft,
      )
      // Timers that are due, and turns that are under way, and what follows from them.
      do {
        await atRest(engine)
        // The broker may know of a commit before its answer has reached us; and it may still be refused.
        await engine.parts.cycle.settled()
      } while (!isAtRest(engine))
      isConcluded = concludes && engine.parts.processor.concludeWaits()
      // How far event time has come is told in inboxes too, and windows close by it.
    } while (cycle.marks > marks || isConcluded)
    await readable(engine)
  } finally {
    cycle.hurried--
  }
}

async function atRest(engine: Engine): Promise<void> {
  const next = nextCommits(engine)
  while (!isAtRest(engine)) {
    // Having been asked it may have more to do: event time goes on when all has been read.
    engine.poke()
    await next()
  }
}

/** Nothing is left to do; not while tasks are being taken over again, after a commit that was refused: who knows what they will do. */
function isAtRest({ health, parts }: Engine): boolean {
  return health.state === 'running' && parts.processor.idle && !parts.tasks.anyMoved
}

/** A broker says that a transaction is committed before it has written the markers that let readers see it (KIP-98). */
async function readable(engine: Engine): Promise<void> {
  const { topology } = engine.parts
  const { admin } = engine.options.log
  const written = [...topology.partitions].filter(([topic]) => !topology.inputs.has(topic))
  const partitions = written.flatMap(([topic, count]) => allPartitions(topic, count))
  const ends = await admin.endOffsets(partitions, 'all')
  const next = nextCommits(engine)
  while (!reached(partitions, ends, new Map(), await admin.endOffsets(partitions, 'committed'))) await next()
}

/** Waits until the group has committed up to where these partitions end now. */
async function committedTo(engine: Engine, partitions: readonly TopicPartition[], isLeft: IsLeft): Promise<void> {
  if (partitions.length === 0) return
  const { admin } = engine.options.log
  const [ends, starts] = await Promise.all([admin.endOffsets(partitions, 'all'), admin.startOffsets(partitions)])
  const next = nextCommits(engine)
  const wanted = (): readonly TopicPartition[] => partitions.filter(({ topic }) => !isLeft(topic))
  while (!reached(wanted(), ends, starts, await admin.stableCommitted(engine.options.app, partitions))) await next()
}

function reached(
  partitions: readonly TopicPartition[],
  ends: Positions,
  starts: Positions,
  committed: Positions,
): boolean {
  return partitions.every(({ topic, partition }) => {
    const position = offsetOf(committed, topic, partition) ?? offsetOf(starts, topic, partition) ?? 0
    return position >= (offsetOf(ends, topic, partition) ?? 0)
  })
}

/** Resolves with the next commit, or when it is time to look again. */
export function nextCommits(engine: Engine): () => Promise<void> {
  let ms = firstLookMs
  return async () => {
    const woken = new AbortController()
    const stop = engine.onCommitted(() => woken.abort())
    await engine.options.clock.sleep(ms, woken.signal)
    stop()
    ms = Math.min(lookAgainMs, 2 * ms)
    // Throws what stopped the engine while we slept.
    void engine.parts
  }
}
