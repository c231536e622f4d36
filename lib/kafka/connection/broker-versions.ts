import { MillraceError } from '../../core/errors.js'
import type { Api } from '../protocol/api.js'
import { fetch } from '../protocol/fetch.js'
import { heartbeat, joinGroup, leaveGroup, syncGroup } from '../protocol/group.js'
import { listOffsets } from '../protocol/list-offsets.js'
import { findCoordinator, metadata } from '../protocol/metadata.js'
import { offsetCommit, offsetFetch, txnOffsetCommit } from '../protocol/offsets.js'
import { listTransactions } from '../protocol/open-transactions.js'
import { produce } from '../protocol/produce.js'
import { createTopics, describeConfigs } from '../protocol/topics.js'
import { addOffsetsToTxn, addPartitionsToTxn, endTxn, initProducerId } from '../protocol/transaction.js'
import type { WireBroker } from './kafkajs-shape.js'

/** What a broker speaks of each request, by its key, as ApiVersions answers. */
export type SpokenVersions = NonNullable<WireBroker['versions']>

/**
 * Without these an app does not run, or not as it should: ListTransactions, which came last (with Kafka 3.0, KIP-664), frees
 * partitions of the transactions of dead owners. The versions of the others that are needed came with 2.8 at the latest.
 */
const needed: readonly Api<never, unknown>[] = [
  metadata,
  listOffsets,
  fetch,
  produce,
  findCoordinator,
  createTopics,
  describeConfigs,
  joinGroup,
  syncGroup,
  heartbeat,
  leaveGroup,
  offsetFetch,
  offsetCommit,
  txnOffsetCommit,
  initProducerId,
  addPartitionsToTxn,
  addOffsetsToTxn,
  endTxn,
  listTransactions,
]

/** The version of a request that both sides speak, at most `highest`; undefined when there is none. */
export function commonVersion(
  spoken: SpokenVersions | null | undefined,
  { key, lowest, highest: ours }: Pick<Api<never, unknown>, 'key' | 'lowest' | 'highest'>,
  highest = ours,
): number | undefined {
  const range = spoken?.[key]
  if (range === undefined) return undefined
  const version = Math.min(highest, range.maxVersion)
  return version >= Math.max(lowest, range.minVersion) ? version : undefined
}

/** Throws `CLIENT_UNSUPPORTED` for a broker that lacks something that is needed, so that it is known before anything is asked of it. */
export function demandNeeded(broker: string, spoken: SpokenVersions | null): void {
  const lacking = needed.filter((api) => commonVersion(spoken, api) === undefined)
  if (lacking.length === 0) return
  const isNewer = lacking.every(({ key, highest }) => (spoken?.[key]?.minVersion ?? 0) > highest)
  const what = isNewer
    ? 'is newer than this version of Millrace knows'
    : 'is older than Apache Kafka 3.0, the least that Millrace works with'
  const which = lacking.map((api) => saysWhat(api, spoken)).join(', ')
  const todo = isNewer ? 'Use a newer version of Millrace' : 'Upgrade the brokers'
  throw new MillraceError('CLIENT_UNSUPPORTED', `Broker ${broker} ${what}: it speaks ${which}. ${todo}.`)
}

function saysWhat({ name, key, lowest, highest }: Api<never, unknown>, spoken: SpokenVersions | null): string {
  const range = spoken?.[key]
  const has = range === undefined ? 'not at all' : rangeText(range.minVersion, range.maxVersion)
  return `${name} ${has} (needed: ${rangeText(lowest, highest)})`
}

const rangeText = (from: number, to: number): string => (from === to ? String(from) : `${from} to ${to}`)
