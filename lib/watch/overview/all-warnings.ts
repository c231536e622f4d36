import type { Peers } from './peers.js'
import type { Warning, WarningList } from './shapes.js'
import type { Warnings } from './warnings.js'

const patienceMs = 2_000
const mostWarnings = 500

/** The last warnings of all instances. */
export class AllWarnings {
  readonly #own: Warnings
  readonly #peers: Peers

  constructor(own: Warnings, peers: Peers) {
    this.#own = own
    this.#peers = peers
  }

  /** Latest first. */
  async list(isHere: boolean): Promise<WarningList> {
    if (isHere) return { warnings: this.#own.last, missing: [] }
    const { answers, missing } = await this.#peers.askAll(
      { path: '/api/warnings', query: { here: '1' }, timeoutMs: patienceMs },
      isWarningList,
    )
    const all: Warning[] = [...this.#own.last, ...answers.flatMap(({ warnings }) => warnings)]
    all.sort((a, b) => b.at - a.at)
    return { warnings: all.slice(0, mostWarnings), missing }
  }
}

function isWarningList(answer: unknown): answer is WarningList {
  const { warnings } = (answer ?? {}) as Partial<WarningList>
  return (
    Array.isArray(warnings) &&
    warnings.every(
      (each) => typeof each?.message === 'string' && typeof each.at === 'number' && typeof each.instance === 'string',
    )
  )
}
