export { rabbitmqSink } from './sink.js'
export { rabbitmqSource } from './source.js'

export type { RabbitmqAddress } from './address.js'
export type { RabbitmqMessage, RabbitmqProperties } from './message.js'
export type { RabbitmqQueueDeclaration } from './queues.js'
export type { RabbitmqSinkOptions } from './sink-options.js'
export type { RabbitmqSourceOptions } from './source.js'
