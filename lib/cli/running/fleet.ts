import { systemClock } from '../../core/clock.js'
import { Child, type ChildOptions, type Ended } from './child.js'
import { Crashes, quickMs } from './crashes.js'

export interface FleetOptions extends Pick<ChildOptions, 'file' | 'args' | 'listen' | 'prefix'> {
  readonly processes: number
  /** Ids are `<name>-<number>`: the same at each start, so that a process that comes back finds its tasks. */
  readonly name: string
  /** Ends at once, one after the other, after which a process is not started again. */
  readonly crashes: number
  /** So long a process may take to end before it is killed, and to start in a rolling restart. */
  readonly stopMs: number
  readonly note: (text: string) => void
  readonly onReport: (child: Child) => void
}

/** Processes of one program, which are started again when they end in a way that they should not. */
export class Fleet {
  readonly #options: FleetOptions
  readonly #children = new Map<number, Child>()
  readonly #waiting = new Set<() => void>()
  readonly #stopping = new AbortController()
  /** Numbers of those that end because they are to begin anew. */
  readonly #renewing = new Set<number>()
  #rolling: Promise<void> | undefined
  #loop: string | undefined

  constructor(options: FleetOptions) {
    this.#options = options
  }

  /** Those that run, in the order of their numbers. */
  get children(): readonly Child[] {
    return [...this.#children.values()].sort((a, b) => a.number - b.number)
  }

  /** Resolves when all have ended: to undefined when that was well or asked for, or to what went wrong. */
  async run(): Promise<string | undefined> {
    const numbers = Array.from({ length: this.#options.processes }, (_, number) => number)
    await Promise.all(numbers.map((number) => this.#keep(number)))
    return this.#loop
  }

  /**
   * All at the same time: each keeps its place in the group by its instance id, so that none takes over what another one leaves.
   * Those that take too long are killed.
   */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return
    this.#stopping.abort()
    this.#wake()
    await Promise.all(this.children.map((child) => this.#end(child)))
  }

  kill(): void {
    this.#stopping.abort()
    for (const child of this.children) child.signal('SIGKILL')
  }

  /** One after the other: the next when the one before has started. */
  restart(): Promise<void> {
    this.#rolling ??= this.#restart().finally(() => (this.#rolling = undefined))
    return this.#rolling
  }

  reported(child: Child): void {
    this.#wake()
    this.#options.onReport(child)
  }

  async #keep(number: number): Promise<void> {
    const { note, crashes: limit } = this.#options
    const crashes = new Crashes(limit)
    while (!this.#stopping.signal.aborted) {
      const ended = await this.#once(number)
      if (this.#stopping.signal.aborted) return
      if (this.#renewing.delete(number)) continue
      if (ended.code === 0) return note(`process ${number} has ended by itself, and well: it is not started again`)
      const waitMs = crashes.ended(ended.livedMs)
      if (waitMs === undefined) return this.#giveUp(number, ended)
      note(`process ${number} has ended with ${ended.how}: it is started again in ${waitMs / 1_000} s`)
      await systemClock.sleep(waitMs, this.#stopping.signal)
    }
  }

  async #once(number: number): Promise<Ended> {
    const { name } = this.#options
    const onReport = (child: Child): void => this.reported(child)
    const child = new Child({ ...this.#options, number, instance: `${name}-${number}`, onReport })
    this.#children.set(number, child)
    const ended = await child.ended
    this.#children.delete(number)
    this.#wake()
    return ended
  }

  #giveUp(number: number, { how }: Ended): void {
    const { crashes } = this.#options
    this.#loop = `process ${number} has ended within ${quickMs / 1_000} s of its start ${crashes + 1} times one after the other, last with ${how}: that is a crash loop, and all processes are stopped. What it said last, above, says why`
    void this.stop()
  }

  async #end(child: Child): Promise<void> {
    const { stopMs, note } = this.#options
    // A second one would cut off what it is about to end, in a restart for example.
    if (!child.isEnding) child.signal('SIGTERM')
    const inTime = new AbortController()
    const late = systemClock.sleep(stopMs, inTime.signal).then(() => {
      if (inTime.signal.aborted) return
      note(
        `process ${child.number} has not ended in ${stopMs / 1_000} s: it is killed, and what it has not committed is read again`,
      )
      child.signal('SIGKILL')
    })
    await child.ended
    inTime.abort()
    await late
  }

  async #restart(): Promise<void> {
    const { note, stopMs } = this.#options
    for (const child of this.children) {
      const { number } = child
      if (this.#stopping.signal.aborted || this.#children.get(number) !== child) continue
      note(`process ${number} is restarted`)
      this.#renewing.add(number)
      await this.#end(child)
      const hasStarted = (): boolean => this.#children.get(number)?.report.running === true
      if (await this.#until(hasStarted, stopMs)) continue
      if (this.#stopping.signal.aborted) return
      return note(`process ${number} has not started in ${stopMs / 1_000} s: the others are not restarted`)
    }
    note('all processes were restarted')
  }

  async #until(isSo: () => boolean, ms: number): Promise<boolean> {
    const over = new AbortController()
    let isLate = false
    void systemClock.sleep(ms, over.signal).then(() => {
      isLate = true
      this.#wake()
    })
    while (!isSo() && !isLate && !this.#stopping.signal.aborted) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
    over.abort()
    return isSo()
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}
