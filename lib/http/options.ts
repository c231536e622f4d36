import { MillraceError } from '../core/errors.js'
import { anything, checkOptions, flag, holdsOptions, isInstanceUrl, text, whole, type Rules } from '../core/options.js'
import { kindOf } from '../core/record-checks.js'
import { isLoopbackName } from './loopback.js'

/** Where an app is asked and seen over HTTP. */
export interface HttpOptions {
  /**
   * Where the process listens; 0: any port that is free, see `app.http`. Without it nothing listens, and `app.handler` answers for the web
   * server that it is given to.
   */
  readonly port?: number
  /** Address that it listens on. Any but this machine's own asks for a `token`. @default '127.0.0.1' */
  readonly host?: string
  /**
   * URL at which the other instances of the app reach this one, as `http://10.0.0.7:9464`. @default where it listens; for a host that stands
   * for all addresses (`0.0.0.0`), the first address of this machine in a network
   */
  readonly advertised?: string
  /**
   * What those who ask send as `Authorization: Bearer …`, the same for all instances: 16 to 512 letters, digits and `-._~+/=`, as
   * `openssl rand -hex 32` makes them. Without it only this machine is answered. It is never logged.
   */
  readonly token?: string
  /** Without a token: whoever reaches it may read. Writes stay with this machine. @default false */
  readonly insecure?: boolean
}

/** The token is looked at apart: what is wrong must not be shown. */
const rules: Rules<HttpOptions> = {
  port: whole(0, 65_535),
  host: text,
  advertised: text,
  token: anything,
  insecure: flag,
}

const names = Object.keys(rules).join(', ')

export interface ResolvedHttp {
  readonly port: number | undefined
  readonly host: string
  readonly advertised: string | undefined
  readonly token: string | undefined
  readonly insecure: boolean
}

const tokenForm = /^[A-Za-z0-9._~+/-]{16,512}={0,2}$/
const hostForm = /^[A-Za-z0-9.:_-]{1,253}$/

/** Throws `OPTIONS_INVALID`, which never holds the token. */
export function resolveHttp(options: HttpOptions = {}): ResolvedHttp {
  if (!holdsOptions(options)) throw invalid(`${kindOf(options)} in the place of options; give an object with ${names}`)
  checkOptions('createApp: http', options, rules)
  const { port, host = '127.0.0.1', advertised, token, insecure = false } = options
  if (!hostForm.test(host)) throw invalid('host is no name or address; give one without scheme and port, as 0.0.0.0')
  if (token !== undefined && (typeof token !== 'string' || !tokenForm.test(token)))
    throw invalid('token is to have 16 to 512 letters, digits and -._~+/=; make one with openssl rand -hex 32')
  if (port !== undefined && !isLoopbackName(host) && token === undefined && !insecure)
    throw invalid(
      `host ${host} is open to a network, so a token is needed: give token, leave host out to listen on 127.0.0.1 only, or say insecure: true to let anybody read who reaches it`,
    )
  return { port, host, advertised: advertised === undefined ? undefined : checkedUrl(advertised), token, insecure }
}

function checkedUrl(advertised: string): string {
  if (!isInstanceUrl(advertised))
    throw invalid(
      'advertised is no URL of http or https without credentials, query and fragment; give one, as http://10.0.0.7:9464',
    )
  return new URL(advertised).href.replace(/\/+$/, '')
}

const invalid = (what: string): MillraceError => new MillraceError('OPTIONS_INVALID', `createApp: http: ${what}.`)
