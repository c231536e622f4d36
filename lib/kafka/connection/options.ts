import type { KafkaConfig } from 'kafkajs'
import { z } from 'zod'
import { MillraceError } from '../../core/errors.js'

/** How to reach a Kafka cluster. */
export interface KafkaOptions {
  /** `host:port` of some brokers; the others are found through them. */
  readonly brokers: readonly string[]
  /** Shown in the brokers' logs and metrics. @default 'millrace' */
  readonly clientId?: string
  /** TLS: `true`, or the options of `tls.connect`. */
  readonly ssl?: KafkaConfig['ssl']
  /** SASL, as kafkajs takes it: mechanism and credentials, or a token provider. */
  readonly sasl?: KafkaConfig['sasl']
  /** Milliseconds to wait for a connection. @default 3000 */
  readonly connectionTimeout?: number
  /** Milliseconds to wait for the answer to SASL requests. @default 10000 */
  readonly authenticationTimeout?: number
  /** Milliseconds before a SASL session ends at which it is renewed. @default 10000 */
  readonly reauthenticationThreshold?: number
  /**
   * Milliseconds to wait for an answer before the connection counts as lost and the request is sent again. Commits stand
   * still that long when a broker goes silent. @default 5000
   */
  readonly requestTimeout?: number
  /**
   * Whether the CRC of each fetched batch is checked, as Java's `check.crcs`. Switched off, what a disk or a network card has
   * changed is taken for what was sent. @default true
   */
  readonly checkCrcs?: boolean
}

/** `KafkaOptions` with every default filled in. */
export interface ConnectionOptions {
  readonly brokers: readonly Address[]
  readonly clientId: string
  readonly ssl: KafkaConfig['ssl']
  readonly sasl: KafkaConfig['sasl']
  readonly connectionTimeout: number
  readonly authenticationTimeout: number
  readonly reauthenticationThreshold: number
  readonly requestTimeout: number
  readonly checkCrcs: boolean
}

export interface Address {
  readonly host: string
  readonly port: number
}

const ms = z.int().positive().max(3_600_000)

const schema = z.strictObject({
  brokers: z
    .array(z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:]+):\d{1,5}$/, 'write host:port'))
    .min(1, 'name one broker'),
  clientId: z.string().min(1).optional(),
  ssl: z.union([z.boolean(), z.record(z.string(), z.unknown())]).optional(),
  sasl: z.looseObject({ mechanism: z.string().min(1) }).optional(),
  connectionTimeout: ms.optional(),
  authenticationTimeout: ms.optional(),
  reauthenticationThreshold: ms.optional(),
  requestTimeout: ms.optional(),
  checkCrcs: z.boolean().optional(),
})

/** Checks options and fills in defaults. Throws `OPTIONS_INVALID` naming every field that is wrong. */
export function resolveOptions(options: KafkaOptions): ConnectionOptions {
  const checked = schema.safeParse(options)
  if (!checked.success) {
    const issues = checked.error.issues.map((issue) => `${['kafkaLog', ...issue.path].join('.')}: ${issue.message}`)
    throw new MillraceError('OPTIONS_INVALID', `${issues.join('; ')}.`)
  }
  return {
    brokers: options.brokers.map(addressOf),
    clientId: options.clientId ?? 'millrace',
    ssl: options.ssl,
    // A copy: kafkajs hangs an authenticator with these credentials on the object, which would outlive a change of them.
    sasl: options.sasl === undefined ? undefined : { ...options.sasl },
    connectionTimeout: options.connectionTimeout ?? 3_000,
    authenticationTimeout: options.authenticationTimeout ?? 10_000,
    reauthenticationThreshold: options.reauthenticationThreshold ?? 10_000,
    requestTimeout: options.requestTimeout ?? 5_000,
    checkCrcs: options.checkCrcs ?? true,
  }
}

function addressOf(broker: string): Address {
  const colon = broker.lastIndexOf(':')
  return { host: broker.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(broker.slice(colon + 1)) }
}
