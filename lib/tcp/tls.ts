import { isIP } from 'node:net'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { MillraceError, reasonOf } from '../core/errors.js'
import { checkOptions, flag, rule, text, type Rules } from '../core/options.js'

/** Certificates and keys, as PEM text or its bytes. */
type Pem = string | Buffer

/** TLS, for both sides: `cert` and `key` say who this side is, `ca` whom it trusts. */
export interface TcpTls {
  /** With those between it and its authority. A side that listens needs it. */
  readonly cert?: Pem
  readonly key?: Pem
  /** Of the key. */
  readonly passphrase?: string
  /**
   * Whom this side trusts. For one that connects: in place of the authorities that Node knows. One that listens and has it takes only
   * clients that show a certificate of these authorities (mutual TLS); without it, anybody.
   */
  readonly ca?: Pem | readonly Pem[]
  /** The name that the other side's certificate must have. Of a side that connects. @default its host */
  readonly servername?: string
  /** False takes any certificate of the other side: who is in between can read and write everything. Of a side that connects. @default true */
  readonly rejectUnauthorized?: boolean
  /** @default 'TLSv1.2' */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
}

const isPem = (value: unknown): boolean => (typeof value === 'string' || Buffer.isBuffer(value)) && value.length > 0
const pem = rule('PEM, as text or as a Buffer', isPem)

const rules: Rules<TcpTls> = {
  cert: pem,
  key: pem,
  passphrase: text,
  ca: rule('PEM, as text or as a Buffer, or a list of those', (value) =>
    Array.isArray(value) ? value.length > 0 && value.every(isPem) : isPem(value),
  ),
  servername: rule(
    'the name of a host, and no address',
    (value) => typeof value === 'string' && value !== '' && isIP(value) === 0,
  ),
  rejectUnauthorized: flag,
  minVersion: rule("'TLSv1.2' or 'TLSv1.3'", (value) => value === 'TLSv1.2' || value === 'TLSv1.3'),
}

/** Throws `OPTIONS_INVALID`: something is missing, or is not what it should be, as certificates that cannot be read. */
export function checkTls(where: string, tls: TcpTls, use: 'listen' | 'connect'): void {
  checkOptions(`${where}: tls`, tls, rules)
  const complain = (what: string): never => {
    throw new MillraceError('OPTIONS_INVALID', `${where}: tls: ${what}.`)
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) complain('cert and key go together; one of them is missing')
  if (use === 'listen') {
    if (tls.cert === undefined) complain('a side that listens needs cert and key')
    if (tls.servername !== undefined || tls.rejectUnauthorized !== undefined)
      complain(
        'servername and rejectUnauthorized are of a side that connects. Give ca to take only clients with a certificate',
      )
  }
  try {
    createSecureContext(secureOptions(tls))
  } catch (error) {
    complain(`cert, key or ca cannot be used: ${reasonOf(error)}`)
  }
}

/** As Node has it. */
export function secureOptions(
  tls: TcpTls,
): SecureContextOptions & { servername?: string; rejectUnauthorized?: boolean } {
  const { ca, ...others } = tls
  return { ...others, ...(ca === undefined ? {} : { ca: ca as string | Buffer | (string | Buffer)[] }) }
}
