import type { MillraceError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import type { PositionMap } from '../core/record.js'
import { StateMeter } from '../core/telemetry/state-meter.js'
import { BatchRules } from '../log/batch-rules.js'
import { loadCompression } from '../log/compression/compression.js'
import type { CommitChannel, Generation } from '../log/port.js'
import type { StateRefused } from '../state/table.js'
import type { TaskState } from '../state/task-state.js'
import type { RestoreProgress } from '../state/take-over.js'
import type { StoreFolder } from '../store/store.js'
import { DueTurns } from '../turn/due-turns.js'
import { Counters } from '../turn/running/counters.js'
import { Failures, type FailuresOptions } from '../turn/failing/failures.js'
import { Outbox } from '../turn/output/outbox.js'
import { WatchedStates } from '../turn/running/watched-states.js'
import { OutputTimes } from '../log/output-times.js'
import { rehearsed } from '../turn/running/rehearsed.js'
import { turnSources, type TurnSource } from '../turn/kept/turn-source.js'
import { Turns, type Redo } from '../turn/turns.js'
import type { KindDefinition } from '../model/kind.js'
import { targetsOf, timerTopic } from '../model/names.js'
import type { InvalidPolicy } from '../model/stream.js'
import { Breakers } from './breakers.js'
import { CommitCycle } from './commit/commit-cycle.js'
import { Halving } from './commit/halving.js'
import { Marks } from './commit/marks.js'
import type { EngineOptions } from './setup/engine-options.js'
import { Growth } from './membership/growth.js'
import { Intake } from './path/intake.js'
import { demandLookupTopics } from './lookups/lookup-topics.js'
import { Lookups } from './lookups/lookups.js'
import type { Passage } from './path/passage.js'
import { Silence } from './path/silence.js'
import { pipeline } from './path/pipeline.js'
import { Processor } from './processor.js'
import { Backlog } from './tasks/backlog.js'
import { Refusals } from './watch/refusals.js'
import { Standbys } from './tasks/standbys.js'
import { StoreInventory } from './tasks/store-inventory.js'
import type { Task } from './tasks/task.js'
import { TaskSet } from './tasks/task-set.js'
import { EmitTargets } from './setup/emit-targets.js'
import { TopicLimits } from '../log/topic-limits.js'
import { madeAnew } from './setup/topic-ids.js'
import { targetPartitions, warnOfOtherCount } from './setup/topic-lookup.js'
import { topology, type Topology } from './setup/topology.js'

/** The parts of an engine that has started; each knows only those before it. */
export interface Parts {
  readonly topology: Topology
  readonly folder: StoreFolder
  readonly inventory: StoreInventory
  readonly meter: StateMeter
  /** Of each kind, by id. */
  readonly sources: ReadonlyMap<string, ReadonlyMap<string, TurnSource>>
  readonly growth: Growth
  readonly limits: TopicLimits
  readonly lookups: Lookups
  readonly refusals: Refusals
  readonly passage: Passage
  readonly intake: Intake
  readonly standbys: Standbys
  readonly tasks: TaskSet
  readonly cycle: CommitCycle
  readonly halving: Halving
  readonly backlog: Backlog
  readonly breakers: Breakers
  readonly processor: Processor
}

/** What happens inside the parts that the engine must know. */
export interface PartsEvents {
  readonly generation: () => Generation
  readonly successor: (refused: Generation, tasks: readonly Task[]) => Promise<Generation | undefined>
  readonly onArrival: () => void
  readonly onReady: (task: Task) => void
  readonly onCommitted: () => void
  readonly onRefusedCommit: (error: unknown) => void
  readonly onOutOfRange: (error: MillraceError) => void
  readonly onRedo: (redo: Redo | StateRefused) => void
  readonly onRestoring: (progress: RestoreProgress) => void
  readonly onError: (error: unknown) => void
}

/** The broker gives up on a transaction after this; a live commit takes milliseconds. */
const transactionTimeoutMs = 10_000

export const transactionalId = ({ app, startId }: EngineOptions): string => `${app}:${startId}`

/** The channel commits go through, with no transaction open. */
export function openChannel(options: EngineOptions): Promise<CommitChannel> {
  const { log, guarantee } = options
  return guarantee === 'exactly-once'
    ? log.transactions({ id: transactionalId(options), timeoutMs: transactionTimeoutMs })
    : log.idempotent()
}

/** Looks at the topics, opens the folder and the channel, and puts the parts together. Nothing is fetched yet. */
export async function openParts(options: EngineOptions, turnLog: Logger, events: PartsEvents): Promise<Parts> {
  const { app, program, log, clock, logger, createTopics, replicationFactor, maxRecordBytes, compression } = options
  await loadCompression(compression)
  const rules = new BatchRules()
  const lookUpOptions = {
    app,
    program,
    log,
    createTopics,
    replicationFactor,
    maxRecordBytes,
    rules,
    compression,
    logger,
  }
  // First, so that one that the app makes is compacted, also when the app writes to it.
  await demandLookupTopics(lookUpOptions)
  const shape = await topology({ ...lookUpOptions, readsAgain: options.readsAgain })
  // Before the folder: a refusal must not leave stores locked behind.
  const channel = await openChannel(options)
  const folder = await options.openFolder()
  const outbox = new Outbox(rules, maxRecordBytes)
  const times = new OutputTimes(rules, clock)
  const deadLetters = {
    app,
    version: options.version,
    clock,
    topic: shape.deadLetters,
    partitions: shape.partitions.get(shape.deadLetters) as number,
    times,
  }
  const seq = (): number => passage.seq
  const counts = new Counters()
  const tracer = options.tracer?.()
  const refusals = new Refusals({ clock, logger, tally: counts.refusals })
  const { onTrouble } = options
  const { onError } = events
  const onRefused: FailuresOptions['onRefused'] = (error, policy) => refusals.hear(error, policy)
  const failures = new Failures({ clock, logger, outbox, deadLetters, counts, seq, onRefused, onTrouble })
  const lookups = new Lookups({
    tables: program.lookups,
    log,
    clock,
    logger,
    onRefused: (error, policy) => {
      if (policy !== 'skip') onTrouble?.(error)
      refusals.hearForGood(error, policy)
    },
    onError,
  })
  const backlog = new Backlog({
    topology: shape,
    admin: log.admin,
    clock,
    logger,
    held: () => tasks.held,
    isRunning: (task) => tasks.running.get(task.index) === task,
    hurry: (by) => void (cycle.hurried += by),
    onDone: events.onArrival,
  })
  const sources = new Map(program.kinds.map((kind, index) => [kind.name, sourcesOf(kind, index, options)]))
  for (const inputs of sources.values()) counts.meters.push(...[...inputs.values()].map(({ meter }) => meter))
  const lookUp = async (topic: string, wanted: number | undefined): Promise<number> => {
    const partitions = await targetPartitions(lookUpOptions, { name: topic, partitions: wanted })
    warnOfOtherCount(logger, { name: topic, partitions: wanted }, partitions)
    shape.partitions.set(topic, partitions)
    return partitions
  }
  const emitTargets = new EmitTargets({ clock, lookUp })
  const demandForeign = targetsOf(app)
  const turns = new Turns({
    clock,
    logger: turnLog,
    demandFits: (topic, key, value, headers) => outbox.demandFits('turn.emit', topic, key, value, headers),
    demandTarget: (topic, where) => {
      demandForeign(topic, where)
      emitTargets.demand(topic, where)
    },
    times,
    lookUp: (table, key) => lookups.row(table, key),
    outbox,
    partitions: shape.partitions,
    failures,
    sources,
    counts,
    seq,
    onRedo: events.onRedo,
    onLanded: (isLater) => {
      if (isLater) halving.landed()
      cycle.worked(1)
    },
    onRoom: events.onArrival,
    onError: events.onError,
    tracer,
    watched: options.watchesStates === true ? new WatchedStates() : undefined,
  })
  // Task and cursor are set by a reader before the first record passes.
  const passage: Passage = {
    outbox,
    times,
    clock,
    partitions: shape.partitions,
    turns,
    failures,
    counts,
    tracer,
    task: undefined as never,
    cursor: undefined as never,
    used: false,
    seq: 1,
  }
  const inventory = new StoreInventory(folder)
  const meter = new StateMeter()
  const onClosed = (state: TaskState): void => inventory.note(state)
  const standbys = new Standbys({
    engine: options,
    topology: shape,
    folder,
    meter,
    released: (task) => tasks.released(task),
    onClosed,
    onError: events.onError,
  })
  const tasks: TaskSet = new TaskSet({
    engine: options,
    topology: shape,
    folder,
    meter,
    standby: (task) => standbys.handOver(task),
    onClosed,
    onError: events.onError,
    onReady: events.onReady,
    onRestoring: events.onRestoring,
    onDue: events.onArrival,
  })
  const trim = (before: PositionMap): void => {
    log.admin
      .trim(before.topics)
      .catch((error: unknown) => logger.warn({ err: error }, 'inboxes were not trimmed; it is tried again'))
  }
  const limits = new TopicLimits({ rules, admin: log.admin, clock, logger })
  const halving = new Halving()
  const cycle: CommitCycle = new CommitCycle(
    {
      app,
      clock,
      passage,
      halving,
      topology: shape,
      intervalMs: options.commitIntervalMs,
      lingerMs: options.commitLingerMs,
      guarantee: options.guarantee,
      marks: new Marks(shape),
      tasks: () => tasks.running.values(),
      generation: events.generation,
      successor: events.successor,
      lookUp: (topic, wanted) => emitTargets.find(topic, wanted),
      takesLess: (topic, batch) => limits.refused(topic, batch),
      trim,
      onCommitted: events.onCommitted,
      onRefused: events.onRefusedCommit,
      onStoreError: events.onError,
    },
    channel,
  )
  const surroundings = {
    pipeline: pipeline(app, program, sources, shape.stateTasks, passage),
    passage,
    deadLetters,
    culprits: halving.culprits,
    clock,
    onAwaited: events.onArrival,
    onRefused: (error: MillraceError, policy: InvalidPolicy) => {
      if (policy !== 'skip') onTrouble?.(error)
      refusals.hear(error, policy)
    },
  }
  const dueTurns = new DueTurns({
    turns,
    failures,
    sources,
    timerTopic: timerTopic(app),
    clock,
    seq,
    onAwaited: events.onArrival,
  })
  const onChange = (): void => {
    turns.isInterrupted = true
    events.onArrival()
  }
  const breakers = new Breakers({ app, program, sources, clock, logger, onChange })
  const intake = new Intake(log, shape.ids, events.onArrival, events.onOutOfRange, events.onError)
  const silence = new Silence({
    admin: log.admin,
    clock,
    logger,
    endOf: (topic, partition) => intake.highWatermark(topic, partition),
    isPaused: (topic) => breakers.pause(topic),
    onAnswer: events.onArrival,
  })
  return {
    topology: shape,
    folder,
    inventory,
    meter,
    sources,
    growth: new Growth({
      topology: shape,
      admin: log.admin,
      clock,
      logger,
      onMadeAnew: (topic) => onError(madeAnew(shape, topic)),
    }),
    limits,
    lookups,
    refusals,
    passage,
    intake,
    standbys,
    tasks,
    cycle,
    halving,
    backlog,
    breakers,
    processor: new Processor({ intake, tasks, cycle, halving, surroundings, dueTurns, backlog, breakers, silence }),
  }
}

function sourcesOf(kind: KindDefinition, index: number, { rehearses }: EngineOptions): ReadonlyMap<string, TurnSource> {
  const sources = turnSources(kind, index)
  return rehearses ? new Map([...sources].map(([id, source]) => [id, rehearsed(source)])) : sources
}
