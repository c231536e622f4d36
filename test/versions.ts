import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { createApp } from '../lib/app/create-app.js'
import type { App } from '../lib/app/app.js'
import type { AppOptions } from '../lib/app/options.js'
import { json } from '../lib/codec/json/json.js'
import { silentLogger } from '../lib/core/logger.js'
import { memoryLog } from '../lib/memory/memory-log.js'
import { changelogTopic } from '../lib/model/names.js'
import type { AnyStateObject } from '../lib/model/state-object.js'
import { payments } from './accounts.js'
import { readAll } from './reading.js'

const id = 'bank'

/** `at` is event time, milliseconds. */
export type Payment = readonly [account: string, amount: number, at?: number]

/** One log that outlives the programs that run on it, one version after the other, with stores on disk. */
export class Deployments {
  readonly log
  readonly #running = new Set<App>()
  readonly #directories = new Map<number, Promise<string>>()

  constructor(partitions = 1) {
    this.log = memoryLog({ partitions })
  }

  /** A process of the app. Each number is a disk. */
  async start(object: AnyStateObject, disk = 0, options: Partial<AppOptions> = {}): Promise<App> {
    const app = await this.app(object, disk, options)
    await app.start()
    return app
  }

  async app(object: AnyStateObject, disk = 0, options: Partial<AppOptions> = {}): Promise<App> {
    const dataDir = await this.#directory(disk)
    const log = this.log.open()
    const app = createApp({
      id,
      log,
      dataDir,
      objects: [object],
      createTopics: true,
      logger: silentLogger,
      commitInterval: 5,
      ...options,
    })
    this.#running.add(app)
    return app
  }

  /** Starts a process, lets it pay, and closes it. Resolves to how many changelog records it had to restore. */
  async run(object: AnyStateObject, paid: readonly Payment[], disk = 0): Promise<number> {
    const app = await this.start(object, disk)
    await this.pay(...paid)
    await app.drained()
    const { restoredRecords } = app.stats()
    await app.close()
    return restoredRecords
  }

  async pay(...paid: readonly Payment[]): Promise<void> {
    const values = paid.map(([account, amount, at = 0]) => ({ account, amount, at }))
    await this.log.send(payments, values, { key: ({ account }) => account })
  }

  /** What a process had on a disk is on another one too. It must be closed. */
  async copyDisk(from: number, to: number): Promise<void> {
    await cp(await this.#directory(from), await this.#directory(to), { recursive: true })
  }

  #directory(disk: number): Promise<string> {
    const directory = this.#directories.get(disk) ?? mkdtemp(join(tmpdir(), 'millrace-versions-'))
    this.#directories.set(disk, directory)
    return directory
  }

  /** The records of the changelog, as `key version value`. */
  async changelog(): Promise<readonly string[]> {
    const topic = { name: changelogTopic(id, 'account'), codec: json(z.any()) }
    return (await readAll(this.log, topic)).map(
      ({ key, headers, value }) => `${key} ${headers['v'] ?? '-'} ${JSON.stringify(value)}`,
    )
  }

  async end(): Promise<void> {
    await Promise.all([...this.#running].map((app) => app.close()))
    const directories = await Promise.all(this.#directories.values())
    await Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true })))
  }
}

/** All objects that a process has. */
export async function objectsOf(app: App, object: AnyStateObject): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  for await (const [key, state] of app.state(object).entries()) found[key] = state
  return found
}
