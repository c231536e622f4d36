import { checkOptions, required, text, whole, type Rules } from '../core/options.js'
import { MillraceError } from '../core/errors.js'

/** Where something listens. */
export interface TcpPlace {
  readonly port: number
  /** @default '127.0.0.1', so that nothing is open to a network unasked */
  readonly host?: string
}

const listenRules: Rules<TcpPlace> = { port: required(whole(0, 65_535)), host: text }
const connectRules: Rules<TcpPlace> = { port: required(whole(1, 65_535)), host: text }

/** With the host that is meant. Throws `OPTIONS_INVALID`. */
export function checkedPlace(where: string, place: TcpPlace, use: 'listen' | 'connect'): Required<TcpPlace> {
  checkOptions(`${where}: ${use}`, place, use === 'listen' ? listenRules : connectRules)
  return { port: place.port, host: place.host ?? '127.0.0.1' }
}

/** `10.0.0.7:51234`, `[::1]:51234`. */
export function placeName(host: string | undefined, port: number | undefined): string {
  const name = host ?? 'unknown'
  // Of a socket for both kinds of addresses.
  const plain = name.startsWith('::ffff:') ? name.slice(7) : name
  return `${plain.includes(':') ? `[${plain}]` : plain}:${port ?? 0}`
}

/** Exactly one of two options. Throws `OPTIONS_INVALID`. */
export function oneOfBoth(where: string, listen: unknown, connect: unknown): void {
  if ((listen === undefined) !== (connect === undefined)) return
  throw new MillraceError('OPTIONS_INVALID', `${where}: give either listen or connect, such as listen: { port: 7000 }.`)
}
