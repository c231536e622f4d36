import { MillraceError } from '../../core/errors.js'
import type { HttpOptions } from '../../http/options.js'

/**
 * What `millrace run` tells its children by the environment, in `MILLRACE_CHILD`, as JSON. It counts in the child itself alone: a program
 * that the child starts inherits the variable, and has another parent.
 */
export interface ChildOrders {
  readonly parent: number
  /** Of the child among its siblings. */
  readonly number: number
  readonly instance: string
  /** It is to listen, even if its program does not say so. */
  readonly listen: boolean
}

/** What a child tells its parent, over the channel that it was forked with. */
export interface ChildReport {
  readonly millrace: {
    /** Where it answers, and where its program wanted to: there the parent listens. */
    readonly url?: string | undefined
    readonly host?: string | undefined
    readonly port?: number | undefined
    /** It has started. */
    readonly running?: true
  }
}

/** Undefined for what else a program sends its parent. */
export function readReport(message: unknown): ChildReport['millrace'] | undefined {
  const { millrace } = fields(message)
  if (millrace === undefined) return undefined
  const { url, host, port, running } = fields(millrace)
  return {
    ...(typeof url === 'string' && URL.canParse(url) ? { url } : {}),
    ...(typeof host === 'string' ? { host } : {}),
    ...(Number.isInteger(port) && (port as number) >= 0 && (port as number) <= 65_535 ? { port: port as number } : {}),
    ...(running === true ? { running } : {}),
  }
}

const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

const variable = 'MILLRACE_CHILD'

/** Undefined for a process that `millrace run` has not started. Throws `OPTIONS_INVALID` for what it would not have written. */
export function childOrders(
  env = process.env,
  parent = process.ppid,
  hasChannel = process.connected !== undefined,
): ChildOrders | undefined {
  const text = env[variable]
  if (text === undefined || text === '') return undefined
  const orders = parse(text)
  if (orders === undefined)
    throw new MillraceError(
      'OPTIONS_INVALID',
      `the environment variable ${variable} is set, and not by millrace run, which is what it is for. Unset it.`,
    )
  // One whose parent was killed before it came here has been given another: it is to end, and not to begin by itself.
  return orders.parent === parent || (hasChannel && !isThere(orders.parent)) ? orders : undefined
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

export const childEnvironment = (orders: ChildOrders): Readonly<Record<string, string>> => ({
  [variable]: JSON.stringify(orders),
})

function parse(text: string): ChildOrders | undefined {
  try {
    const { parent, number, instance, listen } = JSON.parse(text) as Partial<Record<keyof ChildOrders, unknown>>
    const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
    if (!isCount(parent) || parent === 0 || !isCount(number) || typeof listen !== 'boolean') return undefined
    if (typeof instance !== 'string' || !/^[A-Za-z0-9._-]{1,200}$/.test(instance)) return undefined
    return { parent, number, instance, listen }
  } catch {
    return undefined
  }
}

/** What its program says of who it is and where it listens, as it is for one of several children. */
export function asChild<O extends { readonly instanceId?: string; readonly http?: HttpOptions }>(
  options: O,
  orders: ChildOrders | undefined,
): O {
  if (orders === undefined) return options
  const { instanceId, http } = options
  const own = { ...options, instanceId: instanceId === undefined ? orders.instance : `${instanceId}-${orders.number}` }
  const listens = orders.listen || http?.port !== undefined
  if (!listens) return own
  // The port that the program names is the parent's, and so is the address that stands for it.
  const { advertised: _, ...mine } = http ?? {}
  return { ...own, http: { ...mine, port: 0 } }
}

/** Says that something has changed. */
export type TellParent = (change: { readonly running?: true }) => void

export function parentOf(
  orders: ChildOrders | undefined,
  declared: { readonly host: string; readonly port: number | undefined },
  url: () => string | undefined,
): TellParent | undefined {
  if (orders === undefined) return undefined
  return (change) => {
    const millrace = { url: url(), host: declared.host, port: declared.port, ...change }
    // Whether it is still there is seen elsewhere.
    process.send?.({ millrace } satisfies ChildReport, undefined, {}, () => undefined)
  }
}
