import { loadCompression } from '../../log/compression/compression.js'
import { awaitedOf } from '../../log/awaited.js'
import { BatchRules } from '../../log/batch-rules.js'
import { positionsTopic, sourceGroup } from '../../model/names.js'
import { OwnedPartitions } from '../owned-partitions.js'
import { joiningAs, type ConnectorHealth, type ConnectorStats, type Runner, type RunnerOptions } from '../runner.js'
import type { Source } from '../source.js'
import { settingOf, type Setting } from './setting.js'
import { SourceState } from './state.js'
import { TopicsOfSource } from './topics.js'
import { SourceWorker } from './worker.js'

/** Runs a source of an app: the partitions of it that this process has, or all where every process has them. */
export class SourceRunner implements Runner {
  readonly #setting: Setting
  readonly #state: SourceState
  #topics: TopicsOfSource | undefined
  #owned: OwnedPartitions | undefined
  #everywhere: readonly SourceWorker[] = []
  #closing: Promise<void> | undefined
  #failed = false
  readonly #leaving = new AbortController()

  constructor(options: RunnerOptions, source: Source) {
    const onFailure = (error: unknown): void => this.#fail(error)
    this.#setting = settingOf({ ...options, onFailure }, source, new BatchRules())
    this.#onFailure = options.onFailure
    this.#state = new SourceState(this.#setting)
  }

  readonly #onFailure: (error: unknown) => void

  get health(): ConnectorHealth {
    return this.#state.health
  }

  get stats(): ConnectorStats {
    return this.#state.stats
  }

  async start(): Promise<void> {
    const { isEverywhere, partitions, compression } = this.#setting
    await loadCompression(compression)
    await awaitedOf(this.#setting.into)?.prepare('write', this.#leaving.signal)
    if (this.#closing !== undefined) return
    const topics = (this.#topics = new TopicsOfSource(this.#setting))
    await topics.look()
    if (this.#closing !== undefined) return
    if (isEverywhere) {
      this.#state.member()
      this.#everywhere = partitions.map((each) => this.#worker(topics, each))
      return
    }
    this.#owned = this.#ownedIn(topics)
    try {
      await this.#owned.join()
      this.#state.member()
    } catch (error) {
      if (this.#closing === undefined) throw error
    }
  }

  close(): Promise<void> {
    this.#leaving.abort()
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    try {
      await Promise.all([this.#owned?.leave(), ...this.#everywhere.map((worker) => worker.stop())])
    } catch (error) {
      this.#setting.logger.warn({ err: error }, `source '${this.#setting.source}': leaving its group failed`)
    }
    this.#topics?.close()
    this.#state.stopped()
  }

  #ownedIn(topics: TopicsOfSource): OwnedPartitions {
    const { app, source, partitions, instanceId, sessionTimeoutMs, logger, onFailure } = this.#setting
    return new OwnedPartitions({
      log: joiningAs(`source '${source}'`, this.#setting),
      group: sourceGroup(app, source),
      topic: positionsTopic(app, source),
      count: () => Promise.resolve(partitions.length),
      names: partitions,
      instanceId,
      sessionTimeoutMs,
      logger,
      begin: (place) => this.#worker(topics, partitions[place] as string),
      onFailure,
    })
  }

  #worker(topics: TopicsOfSource, partition: string): SourceWorker {
    const onFenced = (): void => this.#owned?.rejoin(`partition '${partition}' of a source was taken by somebody else`)
    return new SourceWorker(this.#setting, topics, partition, this.#state, { onFenced })
  }

  /** Once: several partitions may have the same reason. */
  #fail(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    this.#onFailure(error)
  }
}
