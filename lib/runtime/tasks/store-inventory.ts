import { progressOf } from '../../state/open-store.js'
import type { TaskState } from '../../state/task-state.js'
import type { StoreFolder } from '../../store/store.js'

/** Which tasks there is a store of on this process's disk, and how far each is; 0 for one that was not open in this process. */
export class StoreInventory {
  readonly #folder: StoreFolder
  #positions = new Map<number, number>()

  constructor(folder: StoreFolder) {
    this.#folder = folder
  }

  /** Looks at the disk: stores of processes that have ended come in, stores that others have taken go. */
  async refresh(): Promise<void> {
    const known = this.#positions
    this.#positions = new Map((await this.#folder.tasks()).map((task) => [task, known.get(task) ?? 0]))
  }

  /** This is how far a store is that is open, or that has just been closed. */
  note(state: TaskState): void {
    this.#positions.set(state.task, progressOf(state.rolling.meta))
  }

  get positions(): ReadonlyMap<number, number> {
    return this.#positions
  }
}
