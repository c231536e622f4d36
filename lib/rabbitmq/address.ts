import type { ConnectionOptions } from 'node:tls'
import { durationMs, type Duration } from '../core/duration.js'
import { MillraceError } from '../core/errors.js'
import { anything, anyText, checkOptions, duration32, rule, text, whole, type Rules } from '../core/options.js'

/** What is said to give. */
export const anAddress = 'amqp://user:password@host:5672/vhost, or an object with hostname, username, password'

/** Where a RabbitMQ server is, and who we are there. */
export interface RabbitmqAddress {
  /** @default 'localhost' */
  readonly hostname?: string
  /** @default 5672, with TLS 5671 */
  readonly port?: number
  /** @default '/' */
  readonly vhost?: string
  /** @default 'guest' */
  readonly username?: string
  /** @default 'guest' */
  readonly password?: string
  /** Seconds: a server from which nothing comes for twice as long is taken for dead. 0: it is waited for. @default 10, or what the server wants if that is less */
  readonly heartbeat?: number
  /** TLS: `true`, or the options of `tls.connect`. @default false */
  readonly tls?: boolean | ConnectionOptions
  /** @default '10s' */
  readonly connectTimeout?: Duration
}

/** An address with nothing left out. */
export interface Address {
  readonly hostname: string
  readonly port: number
  readonly vhost: string
  readonly username: string
  readonly password: string
  readonly heartbeat: number
  readonly tls: ConnectionOptions | undefined
  readonly connectTimeoutMs: number
}

const rules: Rules<RabbitmqAddress> = {
  hostname: text,
  port: whole(1, 65_535),
  vhost: text,
  username: anyText,
  // Looked at below: what is refused here is shown.
  password: anything,
  heartbeat: whole(0, 65_535),
  tls: rule(
    'true or false, or an object with the options of tls.connect',
    (value) => typeof value === 'boolean' || (typeof value === 'object' && value !== null),
  ),
  connectTimeout: duration32,
}

/** Without the password, for messages. */
export const shownAddress = ({ username, hostname, port, vhost }: Address): string =>
  `${username}@${hostname}:${port}, vhost '${vhost}'`

/** Reads a URL or an object. Throws `OPTIONS_INVALID`, never with what may be a password in it. */
export function addressOf(url: unknown, where: string): Address {
  if (typeof url !== 'string') checkOptions(`${where}: url`, url, rules)
  const given = typeof url === 'string' ? readUrl(url, where) : (url as RabbitmqAddress)
  const { hostname = 'localhost', vhost = '/', heartbeat = 10, tls = false, connectTimeout = '10s' } = given
  const { username = 'guest', password = 'guest' } = given
  if (typeof password !== 'string') throw refused(where, 'its password is no text')
  const port = given.port ?? (tls === false ? 5_672 : 5_671)
  const connectTimeoutMs = durationMs(connectTimeout, `${where}: connectTimeout`)
  const secure = tls === false ? undefined : tls === true ? {} : tls
  return { hostname, port, vhost, username, password, heartbeat, tls: secure, connectTimeoutMs }
}

function readUrl(text: string, where: string): RabbitmqAddress {
  const url = parsed(text, where)
  if (url.protocol !== 'amqp:' && url.protocol !== 'amqps:')
    throw refused(where, 'it does not begin with amqp:// or amqps://')
  if (url.hostname === '') throw refused(where, 'it names no host')
  if (url.port === '0') throw refused(where, 'its port is 0')
  if (url.hash !== '') throw refused(where, "a '#' in it is to be written as %23")
  const [, vhost = '', ...more] = url.pathname.split('/')
  if (more.length > 0) throw refused(where, "it names more than a vhost; write a '/' in one as %2F")
  const decoded = (part: string): string => decode(part, where)
  return {
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    ...(vhost === '' ? {} : { vhost: decoded(vhost) }),
    ...(url.username === '' && url.password === ''
      ? {}
      : { username: decoded(url.username), password: decoded(url.password) }),
    ...heartbeatOf(url.searchParams, where),
    tls: url.protocol === 'amqps:',
  }
}

function parsed(text: string, where: string): URL {
  try {
    return new URL(text)
  } catch {
    throw refused(where, 'it is no URL; characters such as / # ? @ in name and password are written as %2F %23 %3F %40')
  }
}

function decode(part: string, where: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw refused(where, "a '%' in it is not followed by two digits of UTF-8; write the sign itself as %25")
  }
}

function heartbeatOf(query: URLSearchParams, where: string): { readonly heartbeat?: number } {
  const unknown = [...query.keys()].find((name) => name !== 'heartbeat')
  if (unknown !== undefined)
    throw refused(
      where,
      "after the '?' only heartbeat=SECONDS is known; what else there is to say takes an object as url",
    )
  const heartbeat = query.get('heartbeat')
  if (heartbeat === null) return {}
  if (!/^\d{1,5}$/.test(heartbeat) || Number(heartbeat) > 65_535)
    throw refused(where, 'its heartbeat is no whole number of seconds from 0 to 65535')
  return { heartbeat: Number(heartbeat) }
}

/** The text itself is not shown: there may be a password in it. */
function refused(where: string, why: string): MillraceError {
  return new MillraceError('OPTIONS_INVALID', `${where}: url cannot be used: ${why}. Give ${anAddress}.`)
}
