import { memoryFolder } from '../store/memory/memory-folder.js'
import type { StoreFolder } from '../store/store.js'
import type { Engine } from '../runtime/engine.js'
import type { Work } from '../turn/running/work.js'
import { newProcess, type Process, type ProcessOptions } from './process.js'
import { settled } from './settled.js'

/** Whoever has settled has nothing left to finish. */
const closeMs = 1_000

/** The processes of the app that is tested, one after the other: each begins with what the one before it has left. */
export class Lives {
  readonly #options: Omit<ProcessOptions, 'folder' | 'startId'>
  #folder: StoreFolder = memoryFolder()
  #nextFolder: StoreFolder | undefined
  #running: Process | undefined
  /** The latest that was started, or is starting: it is to be closed, whatever has become of it. */
  #latest: Process | undefined
  #starts = 0
  crashes = 0

  constructor(options: Omit<ProcessOptions, 'folder' | 'startId'>) {
    this.#options = options
  }

  /** The engine that runs; undefined when none does. */
  get engine(): Engine | undefined {
    return this.#running?.engine
  }

  /** The process that runs; it is started when none does. */
  async running(): Promise<Process> {
    return this.#running ?? (await this.#start())
  }

  /** When everything is committed and stored, through as many deaths as it takes: the process that lives then. */
  async settled(): Promise<Process> {
    for (;;) {
      const process = await this.running()
      const { engine, life } = process
      const survived = await Promise.race([settled(engine).then(() => true), life.death.then(() => false)])
      if (survived) return process
      this.crashes++
      this.#running = undefined
    }
  }

  loseDisk(): void {
    this.#nextFolder = memoryFolder()
  }

  async close(): Promise<void> {
    this.#latest?.life.arm(undefined)
    await this.#latest?.engine.stop(closeMs)
  }

  /** A number that changes as things get on. */
  get progress(): number {
    if (this.#running === undefined) return this.#starts
    const { commits, restoredRecords, lookupRecords } = this.#running.engine.stats
    return this.#starts + commits + restoredRecords + lookupRecords
  }

  /** What the process is doing, for a message. */
  get doing(): string {
    const { engine } = this.#latest ?? {}
    if (engine === undefined) return 'The app has not been started.'
    const { state, reason } = engine.health
    const why = reason === undefined ? '' : `: ${reason}`
    return `The app is ${state}${why}.${flying(engine)}`
  }

  async #start(): Promise<Process> {
    // The stores of the dead are closed for it: a memory store has no lock that dies with its owner.
    await this.#folder.close()
    this.#folder = this.#nextFolder ?? this.#folder
    this.#nextFolder = undefined
    const process = await newProcess({ ...this.#options, folder: this.#folder, startId: String(++this.#starts) })
    this.#latest = process
    try {
      await process.engine.start()
    } catch (error) {
      await this.close()
      throw error
    }
    this.#running = process
    return process
  }
}

function flying(engine: Engine): string {
  let work: Work | undefined
  try {
    work = engine.parts.passage.turns.flights.first?.work
  } catch {
    // It does not run.
  }
  if (work === undefined) return ''
  const { source, key } = work
  return ` An asynchronous turn of ${source.kind.name} '${key}' (${source.id}) is under way: does its promise ever settle?`
}
