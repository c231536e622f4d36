import { awaitedOf } from '../../log/awaited.js'
import type { Program } from '../../model/program.js'
import type { TopicNode } from '../../model/stream.js'

/** What the formats of an app's topics ask for over a network: the ids of schemas that it writes, and those that it reads. */
export class Schemas {
  readonly #program: Program

  constructor(program: Program) {
    this.#program = program
  }

  /** Resolves when all topics can be written, or when `signal` aborts. Rejects with what has to be repaired. */
  async prepare(signal: AbortSignal): Promise<void> {
    const { sources, lookups, targets } = this.#program
    const each = async (nodes: readonly TopicNode[], use: 'read' | 'write'): Promise<void> => {
      for (const node of nodes) if (!signal.aborted) await awaitedOf(node)?.prepare(use, signal)
    }
    // What is written first: a topic of the app's own that is new has its schema then.
    await each(targets, 'write')
    await each([...sources, ...lookups], 'read')
  }

  /** Why that takes long. */
  get trouble(): string | undefined {
    const { sources, lookups, targets } = this.#program
    for (const node of [...targets, ...sources, ...lookups]) {
      const trouble = awaitedOf(node)?.trouble
      if (trouble !== undefined) return trouble
    }
    return undefined
  }
}
