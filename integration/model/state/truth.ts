import type { Key, ObjectState } from './objects.js'

/** What committed output says: folded as it is committed, it shows at once what was lost, repeated, reordered or stale. */
export interface Truth {
  /** Last `seq` by source and key. */
  readonly seqs: Map<number, number>
  readonly objects: Map<Key, ObjectState>
  readonly topicSeqs: Map<string, number>
  /** Event time by task. */
  readonly times: Map<number, number>
}

export function newTruth(): Truth {
  return { seqs: new Map(), objects: new Map(), topicSeqs: new Map(), times: new Map() }
}

export const seqKey = (source: number, key: Key): number => source * 1_000 + key
