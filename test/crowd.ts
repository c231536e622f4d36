import type { StoreFolder } from '../lib/store/store.js'
import { memoryFolder } from '../lib/store/memory/memory-folder.js'
import type { Instance } from './instances.js'

/** Instances that come, stop and die, and the stores that they leave to those that come after them. */
export class Crowd<I extends Instance> {
  readonly living = new Set<I>()
  readonly #dead = new Set<I>()
  readonly #free: StoreFolder[] = []

  /** One that starts, on a store that another has left, or on a new one. */
  add(make: (folder: StoreFolder) => I): I {
    const instance = make(this.#free.pop() ?? memoryFolder())
    this.living.add(instance)
    void instance.life.death.then(() => this.living.delete(instance) && this.#dead.add(instance))
    return instance
  }

  pick(which: number): I | undefined {
    const living = [...this.living]
    return living[which % Math.max(1, living.length)]
  }

  /** It is none of the living any more; resolves when it has stopped and its store is free. */
  async stop(instance: I, stopped: () => Promise<void>): Promise<void> {
    this.living.delete(instance)
    await stopped()
    this.#free.push(instance.folder)
  }

  /** The group notices who has died. */
  async bury(): Promise<void> {
    for (const instance of this.#dead) {
      this.#dead.delete(instance)
      await instance.bury()
      this.#free.push(instance.folder)
    }
  }

  /** A store that nobody uses is gone. */
  loseDisk(): void {
    this.#free.pop()
  }
}
