import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { App } from '../lib/app/app.js'
import { createApp } from '../lib/app/create-app.js'
import type { AppOptions } from '../lib/app/options.js'
import { text } from '../lib/codec/codec.js'
import { silentLogger } from '../lib/core/logger.js'
import { memoryLog, type MemoryLog } from '../lib/memory/memory-log.js'
import { stateObject } from '../lib/model/state-object.js'
import { topic } from '../lib/model/stream.js'
import { readAll } from './reading.js'

export const partitions = 3
export const id = 'app'
export const lines = topic('lines', text(), { partitions })
export const words = topic('words', text(), { partitions })
export const counted = topic('counted', text(), { partitions })

/** Each line hops to its object, which tells how many it has had. */
export const counter = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  lines,
  { key: (line) => line.slice(0, 1), route: 'shuffle' },
  (state, line, turn) => turn.emit(counted, `${line}:${++state.n}`),
)

/** Another kind of the same lines. */
export const length = stateObject('length', { state: z.object({ chars: z.number() }), init: () => ({ chars: 0 }) }).on(
  lines,
  (line) => line.slice(0, 1),
  (state, line) => {
    state.chars += line.length
  },
)

const keys = ['a', 'b', 'c', 'd']

/** Lines of each key, numbered. */
export const someLines = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => from + i).flatMap((n) => keys.map((key) => `${key}${n}`))

/** What the counter tells of so many lines of each key, each once and in order. */
export const toldOf = (to: number): string[] => someLines(0, to).map((line) => `${line}:${Number(line.slice(1)) + 1}`)

/** An app that counts, stopped and started on one log; each number is a disk. */
export class CounterApp {
  readonly log: MemoryLog = memoryLog({ partitions })
  readonly #disks = new Map<number, Promise<string>>()
  readonly #apps: App[] = []

  async app(options: Partial<AppOptions> = {}, disk = 0): Promise<App> {
    const directory = this.#disks.get(disk) ?? mkdtemp(join(tmpdir(), 'millrace-counter-'))
    this.#disks.set(disk, directory)
    const app = createApp({
      id,
      log: this.log.open(),
      objects: [counter],
      dataDir: await directory,
      createTopics: true,
      commitInterval: 5,
      logger: silentLogger,
      ...options,
    })
    app.closed().catch(() => undefined)
    this.#apps.push(app)
    return app
  }

  async start(options?: Partial<AppOptions>, disk?: number): Promise<App> {
    const app = await this.app(options, disk)
    await app.start()
    return app
  }

  /** Starts it, has it process lines, and stops it. */
  async run(from: number, to: number, options?: Partial<AppOptions>, disk?: number): Promise<void> {
    const app = await this.start(options, disk)
    await this.feed(app, from, to)
    await app.close()
  }

  async feed(app: App, from: number, to: number): Promise<void> {
    await this.send(from, to)
    await app.drained()
  }

  /** Lines of one key come in order. */
  send(from: number, to: number, into = lines): Promise<unknown> {
    return this.log.send(into, someLines(from, to), { key: (line) => line.slice(0, 1) })
  }

  /** All that was told, in the order of the numbers. */
  async told(): Promise<string[]> {
    const told = (await readAll(this.log, counted)).map(({ value }) => value as string)
    const number = (text: string): number => Number(text.split(':')[1])
    return told.sort((a, b) => number(a) - number(b) || (a < b ? -1 : a > b ? 1 : 0))
  }

  /** As an operator does it, with the app stopped. */
  async setOffsets(topicName: string, offset: number): Promise<void> {
    await using channel = await this.log.idempotent()
    await channel.begin([], id)
    const nobody = { group: id, generationId: -1, memberId: '', withoutMembers: true } as const
    const all = Array.from({ length: partitions }, (_, partition) => [partition, offset] as const)
    await channel.offsets(nobody, new Map([[topicName, new Map(all)]]))
    await channel.commit()
  }

  /** Deletes a topic and makes it anew, as it was but empty. */
  async makeAnew(name: string): Promise<void> {
    const info = (await this.log.admin.describe([name])).get(name)
    await this.log.deleteTopic(name)
    const configs = Object.fromEntries(info?.configs ?? [])
    await this.log.admin.create([{ name, partitions: info?.partitions ?? -1, replicationFactor: -1, configs }])
  }

  async disk(disk = 0): Promise<string | undefined> {
    return this.#disks.get(disk)
  }

  async loseDisk(disk = 0): Promise<void> {
    const directory = await this.#disks.get(disk)
    if (directory !== undefined) await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  }

  async end(): Promise<void> {
    await Promise.all(this.#apps.map((app) => app.close()))
    for (const disk of this.#disks.keys()) await this.loseDisk(disk)
  }
}
