export { sinkContract } from './contract-of-sinks.js'
export { sink, source } from './definitions.js'
export { SinkRefused } from './sink-refused.js'
export { sourceContract } from './contract-of-sources.js'

export type { Json } from './json.js'
export type { ConnectorHealth, ConnectorStats } from './runner.js'
export type {
  Sink,
  SinkBatch,
  SinkConnector,
  SinkContext,
  SinkOptions,
  SinkPartition,
  SinkRecord,
  TwoPhase,
} from './sink.js'
export type { ContractSource, SourceContractOptions } from './contract-of-sources.js'
export type { Source, SourceBatch, SourceConnector, SourceContext, SourceOptions, SourceRecord } from './source.js'
export type { ContractCheck } from './contract.js'
export type { SinkContractOptions } from './sink-bench.js'
