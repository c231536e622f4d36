import type { Socket } from 'node:net'
import { idleClock, systemClock } from '../core/clock.js'
import type { Logger } from '../core/logger.js'
import type { SourceBatch, SourceRecord } from '../connect/index.js'
import type { Answer } from './frames/answers.js'
import { Client, type ClientEvents, type ClientOptions } from './client.js'
import type { RecordMaker } from './frame-record.js'
import { SparingLog } from './sparing-log.js'

export interface InboxOptions extends ClientOptions {
  readonly batchRecords: number
  readonly batchBytes: number
  readonly makeRecord: RecordMaker
  readonly logger: Logger
}

/** Frames of one client that lie side by side in a batch. */
interface Run {
  readonly client: Client
  readonly begin: number
  readonly end: number
  /** The number of its last frame. */
  readonly frame: number
}

/** The clients of one opening, and what waits of them, which becomes batches in turns. */
export class Inbox implements AsyncIterator<SourceBatch> {
  readonly #options: InboxOptions
  readonly #events: ClientEvents
  readonly #complaints: SparingLog
  readonly #clients = new Set<Client>()
  /** Those that have a frame, who waits longest first. */
  readonly #ready = new Set<Client>()
  /** Those of the present round that have more. */
  readonly #again: Client[] = []
  readonly #stopTicks: () => void
  /** Called when there is something for whoever waits in `next`. */
  #wake: (() => void) | undefined
  #failure: Error | undefined
  #isClosed = false

  constructor(options: InboxOptions, onGone: (client: Client) => void = () => undefined) {
    this.#options = options
    this.#complaints = new SparingLog(options.logger)
    this.#events = {
      ready: (client) => {
        this.#ready.add(client)
        this.#wake?.()
      },
      complain: (client, what) => this.complain(`${client.name} frame ${client.taken + 1}`, what),
      gone: (client) => {
        this.#clients.delete(client)
        this.#ready.delete(client)
        onGone(client)
      },
    }
    const shortest = Math.min(options.idleTimeoutMs, options.frameTimeoutMs)
    this.#stopTicks = systemClock.every(Math.min(1_000, Math.ceil(shortest / 4)), () => this.#look())
  }

  /** Also those that have left, while something of them waits. */
  get size(): number {
    return this.#clients.size
  }

  add(socket: Socket, name: string): void {
    this.#clients.add(new Client(socket, name, this.#options, this.#events))
  }

  /** Why somebody is turned away, and where; said at most ten times in ten seconds. */
  complain(at: string, what: string): void {
    this.#complaints.warn({ at, reason: what }, `${at}: ${what}`)
  }

  /** What has come is given first; then `next` throws this. */
  fail(error: Error): void {
    this.#failure ??= error
    this.#wake?.()
  }

  /** Nothing is read any more, and `next` gives nothing more; what was taken can still be answered. */
  stop(): void {
    this.#isClosed = true
    this.#stopTicks()
    for (const client of this.#clients) client.pause()
    this.#wake?.()
  }

  /** Ends all connections, once what was written has gone out, or is taking too long. */
  async close(): Promise<void> {
    this.stop()
    const late = idleClock.sleep(500)
    await Promise.all([...this.#clients].map((client) => client.close(late)))
    this.#complaints.flush()
  }

  async next(): Promise<IteratorResult<SourceBatch>> {
    for (;;) {
      if (this.#isClosed) return { done: true, value: undefined }
      const batch = this.#batch()
      if (batch !== undefined) return { done: false, value: batch }
      if (this.#failure !== undefined) throw this.#failure
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }

  /** A share of each client that has something, again and again, until it is full or nothing waits. */
  #batch(): SourceBatch | undefined {
    const records: SourceRecord[] = []
    const runs: Run[] = []
    const { batchRecords, batchBytes } = this.#options
    let bytes = 0
    while (this.#ready.size > 0 && records.length < batchRecords && bytes < batchBytes) {
      const share = Math.ceil((batchRecords - records.length) / this.#ready.size)
      const shareBytes = Math.ceil((batchBytes - bytes) / this.#ready.size)
      for (const client of this.#ready) {
        this.#ready.delete(client)
        const begin = records.length
        bytes += this.#take(client, share, shareBytes, records)
        if (records.length > begin) runs.push({ client, begin, end: records.length, frame: client.taken })
        // Behind the others; not now again, or this would not end.
        if (client.hasFrame) this.#again.push(client)
        if (records.length >= batchRecords || bytes >= batchBytes) break
      }
      for (const client of this.#again.splice(0)) this.#ready.add(client)
    }
    return records.length === 0 ? undefined : { records, ack: (refused) => answer(runs, refused) }
  }

  #take(client: Client, most: number, mostBytes: number, records: SourceRecord[]): number {
    let bytes = 0
    for (let i = 0; i < most && bytes < mostBytes && client.hasFrame; i++) {
      const frame = client.take()
      bytes += frame.length
      records.push(this.#options.makeRecord(frame, client.name, client.taken))
    }
    return bytes
  }

  #look(): void {
    const now = systemClock.elapsed()
    for (const client of this.#clients) client.endIfIdle(now)
  }
}

function answer(runs: readonly Run[], refused: ReadonlyMap<number, string>): void {
  for (const { client, begin, end, frame } of runs) {
    const answers: Answer[] = []
    if (refused.size > 0)
      for (let i = begin; i < end; i++) {
        const reason = refused.get(i)
        if (reason !== undefined) answers.push({ kind: 'refused', frame: frame - (end - 1 - i), reason })
      }
    client.answer(frame, answers)
  }
}
