import { defaultMaxRecordBytes } from '../app/options.js'
import { idleClock } from '../core/clock.js'
import type { MillraceError } from '../core/errors.js'
import { silentLogger } from '../core/logger.js'
import type { MemoryLog } from '../memory/memory-log.js'
import type { Program } from '../model/program.js'
import { Engine } from '../runtime/engine.js'
import type { StoreFolder } from '../store/store.js'
import { Life } from './life.js'
import type { TestDriverOptions } from './options.js'

export const app = 'test'
export const defaultPartitions = 4

/** A process of the app that is tested. */
export interface Process {
  readonly engine: Engine
  readonly life: Life
}

export interface ProcessOptions {
  readonly driver: TestDriverOptions
  readonly program: Program
  readonly log: MemoryLog
  /** What survives it. */
  readonly folder: StoreFolder
  readonly now: () => number
  readonly startId: string
  readonly onTrouble: (error: MillraceError) => void
}

/** Makes the topics that there are not yet, and a process that is not started. */
export async function newProcess(options: ProcessOptions): Promise<Process> {
  const { driver, program, log, folder, now, startId, onTrouble } = options
  await createTopics(log, program, driver.partitions ?? defaultPartitions)
  const life = new Life()
  const engine = new Engine(
    {
      app,
      program,
      log: life.log(log),
      openFolder: () => Promise.resolve(life.folder(folder)),
      clock: life.clock(now, idleClock),
      logger: driver.logger ?? silentLogger,
      guarantee: driver.guarantee ?? 'exactly-once',
      commitIntervalMs: 10,
      commitLingerMs: 0,
      sessionTimeoutMs: 10_000,
      instanceId: undefined,
      createTopics: true,
      replicationFactor: -1,
      cacheEntries: driver.cacheEntries ?? 10_000,
      standbyReplicas: 0,
      compression: 'gzip',
      version: undefined,
      rehearses: driver.replay === 'every-record',
      watchesStates: true,
      readsAgain: true,
      maxRecordBytes: defaultMaxRecordBytes,
      onTrouble,
      bootId: 'test',
      startId,
      instance: startId,
    },
    () => undefined,
  )
  return { engine, life }
}

async function createTopics(log: MemoryLog, { lookups, sources, targets }: Program, partitions: number): Promise<void> {
  const compacted = { 'cleanup.policy': 'compact' }
  const topics = [...lookups, ...sources, ...targets].map((node) => ({
    name: node.name,
    partitions,
    replicationFactor: -1,
    configs: lookups.includes(node) ? compacted : {},
  }))
  await log.admin.create(topics)
}
