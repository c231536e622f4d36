export { tcpSink } from './tcp-sink.js'
export { tcpSource } from './tcp-source.js'

export type { FrameParts } from './frame-record.js'
export type { Frames } from './frames/frame-reader.js'
export type { TcpPlace } from './place.js'
export type { TcpSinkOptions } from './sink-options.js'
export type { TcpSourceOptions } from './source-options.js'
export type { TcpTls } from './tls.js'
