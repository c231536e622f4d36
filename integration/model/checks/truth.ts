import type { World } from '../rules/world.js'
import { unborn, type ObjectState } from '../state/objects.js'
import { timerOf, type Output, type SourceRecord } from '../state/records.js'
import { taskOf } from '../state/state.js'
import { seqKey, type Truth } from '../state/truth.js'
import { violated } from './violation.js'

export function foldOutput(world: World, truth: Truth, output: Output): void {
  const { kind, key, record, count } = output
  if (kind === 'half') violated(`half a turn became visible (key ${key})`)
  if ((kind === 'blamed') !== (record?.op === 'refused' && kind !== 'dead-letter' && kind !== 'late'))
    violated(
      `key ${key}: ${record?.source.name} seq ${record?.seq}, of which the broker takes what it writes, was blamed`,
    )
  checkTimes(world, truth, output)
  const before = truth.objects.get(key) ?? unborn
  const after = record === undefined ? afterTimer(output, before) : afterRecord(world, truth, record, kind, before)
  truth.objects.set(key, after)
  if (kind === 'dead-letter' || kind === 'blamed' || kind === 'late' || count === after.count) return
  const of = record === undefined ? 'its timer' : `${record.source.name} seq ${record.seq}`
  violated(`key ${key}: the turn of ${of} saw count ${count}, the fold says ${after.count} (state lost or stale)`)
}

function checkTimes(world: World, truth: Truth, { kind, key, record, now }: Output): void {
  if (kind === 'late' && record?.excused === false)
    violated(
      `key ${key}: ${record.source.name} seq ${record.seq} of time ${record.time} is late at ${now}, and is no more than the grace behind its source partition`,
    )
  if (now === undefined) return
  const task = taskOf(world, key)
  const last = truth.times.get(task) ?? -Infinity
  if (now < last) violated(`event time of task ${task} went back from ${last} to ${now}`)
  truth.times.set(task, now)
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
  if (kind === 'blamed' || kind === 'late') return before
  if (before.quarantined) violated(`key ${key} had a turn after it was quarantined`)
  if (op === 'delete') return unborn
  return { ...before, count: before.count + 1, timer: op === 'set-timer' ? timerOf(record) : before.timer }
}

function checkOrderPerKey(truth: Truth, { source, key, topicSeq }: SourceRecord): void {
  const id = `${source.topic} ${key}`
  const last = truth.topicSeqs.get(id) ?? 0
  if (topicSeq !== last + 1) {
    violated(`key ${key} of topic ${source.topic}: record ${topicSeq} after ${last} (order over source partitions)`)
  }
  truth.topicSeqs.set(id, topicSeq)
}
