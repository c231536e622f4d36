export { createApp } from './app/create-app.js'
export { kafkaLog, memoryLog } from './app/logs.js'
export { replayDeadLetters } from './app/replay.js'
export { avroSchema } from './codec/avro/avro-schema.js'
export { avro } from './codec/avro/avro.js'
export { bytes, text } from './codec/codec.js'
export { connectJson, connectSchema } from './codec/connect/connect-json.js'
export { connectKey } from './codec/connect/connect-key.js'
export { json } from './codec/json/json.js'
export { double, integer, long } from './codec/numbers.js'
export { sink, source } from './connect/definitions.js'
export { SinkRefused } from './connect/sink-refused.js'
export { registryAvro } from './codec/registry/registry-avro.js'
export { registry } from './codec/registry/registry.js'
export { Fatal, RetryAfter } from './core/advice.js'
export { parseDuration } from './core/duration.js'
export { errorCodes, MillraceError } from './core/errors.js'
export { nodeHandler } from './http/node/handler.js'
export { lookup } from './model/lookup.js'
export { stateObject } from './model/state-object.js'
export { topic } from './model/stream.js'
export { hopping, session, tumbling } from './model/window.js'

export type { App, AppHealth, AppStats, CloseOptions, Drained, QueriesOf, StateOf, StateReader } from './app/app.js'
export type { RunOptions, StopSignal } from './app/life/run.js'
export type { MemoryLogOptions } from './app/logs.js'
export type { AppOptions } from './app/options.js'
export type { ReplayOptions, ReplayReport, ReplaySelection } from './app/replay.js'
export type { EditableLetter, EditedLetter, LeftLetter, LetterFilter } from './app/replaying/letters.js'
export type { AvroHeader, SchemaIdHeader, SingleObjectHeader } from './codec/avro/avro-header.js'
export type { AvroSchema } from './codec/avro/avro-schema.js'
export type { AvroOptions } from './codec/avro/avro.js'
export type { Codec, CodecPlace, KeyText } from './codec/codec.js'
export type { ConnectOptions } from './codec/connect/connect-json.js'
export type { ConnectKey, ConnectKeyFields } from './codec/connect/connect-key.js'
export type { ConnectSchema, ConnectType } from './codec/connect/connect-schema.js'
export type { ConnectDecimal, ConnectMark } from './codec/connect/marks.js'
export type { JsonOptions } from './codec/json/json.js'
export type { Awaited } from './core/key-format.js'
export type { KeyCodec } from './codec/keys.js'
export type { RegistryAvro, RegistryAvroOptions } from './codec/registry/registry-avro.js'
export type { BasicAuth, BearerAuth, RegistryOptions } from './codec/registry/registry-options.js'
export type { Registry } from './codec/registry/registry.js'
export type { OutputOf, Schema } from './codec/schema.js'
export type { Json } from './connect/json.js'
export type { ConnectorHealth, ConnectorStats } from './connect/runner.js'
export type {
  Sink,
  SinkBatch,
  SinkConnector,
  SinkContext,
  SinkOptions,
  SinkPartition,
  SinkRecord,
  TwoPhase,
} from './connect/sink.js'
export type {
  Source,
  SourceBatch,
  SourceConnector,
  SourceContext,
  SourceOptions,
  SourceRecord,
} from './connect/source.js'
export type { Duration } from './core/duration.js'
export type { KeyFormat } from './core/key-format.js'
export type { ErrorCode, ErrorFacts } from './core/errors.js'
export type { Logger } from './core/logger.js'
export type { Headers, RecordInfo } from './core/record.js'
export type { DiagnosticEvents } from './core/telemetry/channels.js'
export type { HttpOptions } from './http/options.js'
export type { HttpContext, HttpHandler } from './http/route.js'
export type { KafkaOptions } from './kafka/connection/options.js'
export { commitToken, type ProducerAnswer } from './log/client/commit-token.js'
export type { ClientTopic, LogClient, ReadRecord, SendOptions, Sent } from './log/client/client.js'
export type { Log } from './log/port.js'
export type { DeepReadonly } from './model/deep-readonly.js'
export type { Backoff, BreakerOptions, InputOptions, KeyExtractor, OnError } from './model/inputs.js'
export type { Route, TimerBacklog, TimerTime } from './model/kind.js'
export type { LookupTable } from './model/lookup.js'
export type {
  AnyStateObject,
  Handler,
  MaybePromise,
  Queries,
  StateObject,
  StateOptions,
  TimersOptions,
} from './model/state-object.js'
export type { Flow, FlowOptions, InvalidPolicy, Stream, Topic, TopicOptions } from './model/stream.js'
export type { EmitOptions, TimerOptions, TimerPayloads, Turn, WindowBounds } from './model/turn.js'
export type {
  HoppingOptions,
  LatePolicy,
  SessionOptions,
  TumblingOptions,
  Window,
  WindowOptions,
} from './model/window.js'
export type { AppState } from './runtime/watch/app-state.js'
export type { PausedInput } from './runtime/watch/paused-input.js'
export type { QuarantinedObject } from './runtime/quarantine.js'
export type { StateEntriesOptions } from './query/entries.js'
export type { Staleness } from './query/local/standby-state.js'
export type { Owner } from './query/queries.js'
export type { ReadOptions } from './query/read-options.js'
export type { StateAnswer } from './query/routed-state.js'
export type { Change } from './query/watch/changes.js'
export type { WatchOptions, WatchPrefix } from './query/watch/watching.js'
export type { EntriesOptions } from './runtime/state-reader.js'
export type { Guarantee, Health, Stats } from './runtime/setup/engine-options.js'
export type { HeldPartition } from './runtime/watch/held-partition.js'
export type { RestoreReport } from './runtime/watch/restore-watch.js'
export type { StateChange } from './runtime/watch/state-watch.js'
export type { Telemetry } from './watch/metrics/telemetry.js'
