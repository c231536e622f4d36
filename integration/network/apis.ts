/** Requests of the Kafka protocol by name. Source: https://kafka.apache.org/protocol.html#protocol_api_keys */
export const apiKeys = {
  Produce: 0,
  Fetch: 1,
  ListOffsets: 2,
  Metadata: 3,
  OffsetCommit: 8,
  OffsetFetch: 9,
  FindCoordinator: 10,
  JoinGroup: 11,
  Heartbeat: 12,
  LeaveGroup: 13,
  SyncGroup: 14,
  ApiVersions: 18,
  CreateTopics: 19,
  InitProducerId: 22,
  AddPartitionsToTxn: 24,
  AddOffsetsToTxn: 25,
  EndTxn: 26,
  TxnOffsetCommit: 28,
  ListTransactions: 66,
} as const

export type ApiName = keyof typeof apiKeys

const names = new Map<number, ApiName>(Object.entries(apiKeys).map(([name, key]) => [key, name as ApiName] as const))

/** Undefined for a request that is not in the list. */
export const apiName = (key: number): ApiName | undefined => names.get(key)
