import type { StateMeter } from '../../core/telemetry/state-meter.js'
import type { RestoreProgress, TakeOverOptions } from '../../state/take-over.js'
import type { StoreFolder } from '../../store/store.js'
import type { EngineOptions } from '../setup/engine-options.js'
import type { Topology } from '../setup/topology.js'

/** What all takeovers of a process share. */
export interface TakeOverSurroundings {
  readonly engine: EngineOptions
  readonly topology: Topology
  readonly folder: StoreFolder
  readonly meter: StateMeter
}

/** For a task that will run here, or its standby. `onApplied` gets what was added since the last call, too. */
export function takeOverOptions(
  { engine, topology, folder, meter }: TakeOverSurroundings,
  task: number,
  signal: AbortSignal,
  onApplied: (records: number, bytes: number, progress: RestoreProgress) => void,
): TakeOverOptions {
  const { log, clock, logger, bootId, guarantee } = engine
  let last = { records: 0, bytes: 0 }
  return {
    log,
    folder,
    clock,
    logger,
    bootId,
    task,
    changelogs: topology.changelogs,
    transactional: guarantee === 'exactly-once',
    cacheEntries: cacheShare(engine.cacheEntries, topology),
    meter,
    signal,
    onProgress: (progress) => {
      const { records, bytes } = last
      last = progress
      onApplied(progress.records - records, progress.bytes - bytes, progress)
    },
  }
}

/** Of the objects kept in memory over all tables, the part of one. */
function cacheShare(cacheEntries: number, { stateTasks, changelogs }: Topology): number {
  return Math.ceil(cacheEntries / (stateTasks * changelogs.length))
}
