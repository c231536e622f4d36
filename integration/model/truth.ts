import { violated, type Key, type ObjectState, type Output, type SourceRecord, type World } from './world.js'

/** What committed output says: folded as it is committed, it shows at once what was lost, repeated, reordered or stale. */
export interface Truth {
  /** Last `seq` by source and key. */
  readonly seqs: Map<number, number>
  readonly objects: Map<Key, ObjectState>
  readonly topicSeqs: Map<string, number>
}

export function newTruth(): Truth {
  return { seqs: new Map(), objects: new Map(), topicSeqs: new Map() }
}

export const unborn: ObjectState = { count: 0, timer: 0, quarantined: false }

export const timerOf = ({ source, seq }: SourceRecord): number => source.id * 1_000 + seq
export const seqKey = (source: number, key: Key): number => source * 1_000 + key

export function foldOutput(world: World, truth: Truth, output: Output): void {
  const { kind, key, record, count } = output
  if (kind === 'half') violated(`half a turn became visible (key ${key})`)
  const before = truth.objects.get(key) ?? unborn
  const after = record === undefined ? afterTimer(output, before) : afterRecord(world, truth, record, kind, before)
  truth.objects.set(key, after)
  if (kind === 'dead-letter' || count === after.count) return
  const of = record === undefined ? 'its timer' : `${record.source.name} seq ${record.seq}`
  violated(`key ${key}: the turn of ${of} saw count ${count}, the fold says ${after.count} (state lost or stale)`)
}

function afterTimer({ key, timer }: Output, before: ObjectState): ObjectState {
  if (before.timer !== timer) violated(`timer ${timer} of key ${key} fired twice or after it was reset`)
  return { ...before, count: before.count + 1, timer: 0 }
}

function afterRecord(
  world: World,
  truth: Truth,
  record: SourceRecord,
  kind: Output['kind'],
  before: ObjectState,
): ObjectState {
  const { source, key, seq, op } = record
  const id = seqKey(source.id, key)
  const last = truth.seqs.get(id) ?? 0
  if (seq !== last + 1) {
    violated(
      `key ${key} of ${source.name}: seq ${seq} after ${last} (${seq <= last ? 'repeated' : 'lost or reordered'})`,
    )
  }
  truth.seqs.set(id, seq)
  if (world.config.orderPerKey) checkOrderPerKey(truth, record)
  if (kind === 'dead-letter') return { ...before, quarantined: true }
  if (before.quarantined) violated(`key ${key} had a turn after it was quarantined`)
  if (op === 'delete') return unborn
  return { count: before.count + 1, timer: op === 'set-timer' ? timerOf(record) : before.timer, quarantined: false }
}

function checkOrderPerKey(truth: Truth, { source, key, topicSeq }: SourceRecord): void {
  const id = `${source.topic} ${key}`
  const last = truth.topicSeqs.get(id) ?? 0
  if (topicSeq !== last + 1) {
    violated(`key ${key} of topic ${source.topic}: record ${topicSeq} after ${last} (order over source partitions)`)
  }
  truth.topicSeqs.set(id, topicSeq)
}

/** By identity: a state is made once. */
export function same(a: ReadonlyMap<Key, ObjectState>, b: ReadonlyMap<Key, ObjectState>): boolean {
  if (a.size !== b.size) return false
  for (const [key, state] of a) if (b.get(key) !== state) return false
  return true
}
