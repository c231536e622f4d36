import type { KafkaConfig } from 'kafkajs'
import { checkOptions, flag, required, rule, secret, text, whole, type Rules } from '../../core/options.js'

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

const address = /^(\[[0-9a-fA-F:.]+\]|[^\s:]+):\d{1,5}$/
const isAddress = (value: unknown): boolean => typeof value === 'string' && address.test(value)
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)
const ms = whole(1, 3_600_000)

const rules: Rules<KafkaOptions> = {
  brokers: required(
    rule('a list of addresses, host:port, one at least', (value) => {
      return Array.isArray(value) && value.length > 0 && value.every(isAddress)
    }),
  ),
  clientId: text,
  ssl: secret(
    rule('true, false, or an object with the options of tls.connect', (value) => {
      return typeof value === 'boolean' || isObject(value)
    }),
  ),
  sasl: secret(
    rule("an object with a mechanism and what it needs: { mechanism: 'plain', username, password }", (value) => {
      return isObject(value) && text.fits((value as { mechanism?: unknown }).mechanism)
    }),
  ),
  connectionTimeout: ms,
  authenticationTimeout: ms,
  reauthenticationThreshold: ms,
  requestTimeout: ms,
  checkCrcs: flag,
}

/** Checks options and fills in defaults. Throws `OPTIONS_INVALID` naming every one that is wrong. */
export function resolveOptions(options: KafkaOptions): ConnectionOptions {
  checkOptions('kafkaLog', options, rules)
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
