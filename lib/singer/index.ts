export { singerSink } from './targets/sink.js'
export { singerSource } from './taps/source.js'

export type { JsonObject } from './messages/json-object.js'
export type { ProgramOptions } from './child/program-options.js'
export type { RecordAbout, SingerSourceOptions } from './taps/source-options.js'
export type { SingerSinkOptions } from './targets/sink-options.js'
export type { TapPosition } from './taps/tap-batches.js'
