import { X509Certificate } from 'node:crypto'
import tls from 'node:tls'
import { MillraceError, reasonOf } from '../../core/errors.js'
import type { ConnectionOptions } from './options.js'

/**
 * Whether TLS can be made of these options: a key that cannot be read looks like a broker that is away, and a certificate
 * authority that is none is passed over by Node. Throws `OPTIONS_INVALID` naming the option.
 */
export function checkTls(ssl: ConnectionOptions['ssl']): void {
  if (typeof ssl !== 'object') return
  for (const name of ['ca', 'cert', 'key'] as const) for (const one of listed(ssl[name])) checkPem(name, one)
  try {
    tls.createSecureContext(ssl)
  } catch (cause) {
    throw invalid(`'ssl': ${reasonOf(cause)}. Compare key, passphrase, cert and pfx, which belong together`, cause)
  }
}

function listed(option: unknown): readonly unknown[] {
  return option === undefined || option === null ? [] : Array.isArray(option) ? option : [option]
}

/** Entries of keys can be objects, with a passphrase each. */
function checkPem(name: string, entry: unknown): void {
  const content = typeof entry === 'object' && entry !== null && 'pem' in entry ? entry.pem : entry
  const text =
    typeof content === 'string' ? content : content instanceof Uint8Array ? Buffer.from(content).toString() : ''
  if (!text.includes('-----BEGIN ')) {
    const path = /^[\w./\\:~-]{1,250}$/.test(text) ? `: give the contents of the file '${text}', not its path` : ''
    throw invalid(`'ssl.${name}' is not in PEM format ('-----BEGIN …')${path}`)
  }
  if (name === 'key') return
  for (const [certificate] of text.matchAll(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)) {
    try {
      void new X509Certificate(certificate)
    } catch (cause) {
      throw invalid(`'ssl.${name}': a certificate in it cannot be read (${reasonOf(cause)})`, cause)
    }
  }
}

const invalid = (what: string, cause?: unknown): MillraceError =>
  new MillraceError('OPTIONS_INVALID', `kafkaLog: option ${what}.`, { cause })
