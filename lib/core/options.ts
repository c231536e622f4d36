import { durationForm, msOf } from './duration.js'
import { MillraceError } from './errors.js'
import { kindOf } from './record-checks.js'

/** What the value of an option must be. */
export interface Rule {
  readonly fits: (value: unknown) => boolean
  /** For messages, after "give". */
  readonly give: string
  readonly required: boolean
  /** What is wrong is not shown: it may be a password in the wrong place. */
  readonly secret?: boolean
}

/** A rule for each option there is; the compiler asks for those that are missing. */
export type Rules<O> = { readonly [K in keyof Required<O>]: Rule }

/**
 * Refuses options that there are not, because a misspelt one would otherwise be ignored, and values that are not what their
 * option takes. Throws `OPTIONS_INVALID` that says where, which, and what to give. An option that is `undefined` is left out.
 */
export function checkOptions<O>(where: string, options: unknown, rules: Rules<O>): void {
  const wrong = holdsOptions(options)
    ? complaints(options as Readonly<Record<string, unknown>>, rules)
    : [`${shown(options)} in the place of options; give an object with ${Object.keys(rules).join(', ')}`]
  if (wrong.length > 0) throw new MillraceError('OPTIONS_INVALID', `${where}: ${wrong.join('. ')}.`)
}

/** Whether it can hold options, by its own properties or those of a class: a Map or a Date would be taken for none. */
export function holdsOptions(options: unknown): options is object {
  if (typeof options !== 'object' || options === null) return false
  const prototype: unknown = Object.getPrototypeOf(options)
  if (prototype === Object.prototype || prototype === null) return true
  return Object.prototype.toString.call(options) === '[object Object]'
}

function complaints(options: Readonly<Record<string, unknown>>, rules: Readonly<Record<string, Rule>>): string[] {
  const unknown = Object.keys(options).filter((name) => !Object.hasOwn(rules, name))
  const known = Object.keys(rules).join(', ')
  const names = unknown
    .slice(0, 5)
    .map((name) => `'${name.slice(0, 40)}'`)
    .join(', ')
  return [
    ...(unknown.length === 0 ? [] : [`there is no option ${names}; there are ${known}`]),
    ...Object.entries(rules).flatMap(([name, { fits, give, required, secret }]) => {
      const value = options[name]
      if (value === undefined) return required ? [`${name} is missing; give ${give}`] : []
      return fits(value) ? [] : [`${name} is ${secret === true ? kindOf(value) : shown(value)}; give ${give}`]
    }),
  ]
}

/** For functions that take no options: some are given where others take them. */
export function refuseMore(where: string, more: readonly unknown[]): void {
  if (more.every((value) => value === undefined)) return
  throw new MillraceError('OPTIONS_INVALID', `${where}: ${shown(more[0])} too many; it takes no options.`)
}

/** A refused value, in words. Objects are not shown: there may be a password in them. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `text (${quoted(value)})`
  if (Array.isArray(value) && value.every((part) => typeof part === 'string'))
    return `a list of ${value.length === 0 ? 'nothing' : value.slice(0, 5).map(quoted).join(', ')}`
  return kindOf(value)
}

const quoted = (text: string): string => JSON.stringify(text.slice(0, 40))

/** Kafka has 32 bits for most numbers. */
const most32 = 2 ** 31 - 1

export const rule = (give: string, fits: Rule['fits']): Rule => ({ fits, give, required: false })

export const secret = (visible: Rule): Rule => ({ ...visible, secret: true })
export const required = (optional: Rule): Rule => ({ ...optional, required: true })
export const duration = rule(durationForm, (value) => msOf(value) !== undefined)
export const positive = rule(`${durationForm}, of 1 ms at least`, (value) => (msOf(value) ?? 0) > 0)
/** One that Kafka is told of. */
export const duration32 = rule(`${durationForm}, of 1 ms to 24 days`, (value) => {
  const ms = msOf(value) ?? 0
  return ms > 0 && ms <= most32
})
/** What is looked at where it is used. */
export const anything = rule('anything', () => true)
/** It must be there, and is looked at elsewhere: `give` is what is said where it is missing. */
export const given = (give: string): Rule => required(rule(give, () => true))
export const flag = rule('true or false', (value) => typeof value === 'boolean')
export const anyText = rule('text', (value) => typeof value === 'string')
export const text = rule('text that is not empty', (value) => typeof value === 'string' && value !== '')
export const callback = (what = 'a function'): Rule => rule(what, (value) => typeof value === 'function')
export const object = (what: string): Rule => rule(what, (value) => typeof value === 'object' && value !== null)
export const list = (what: string): Rule => rule(what, Array.isArray)
export const logger = rule('a logger with debug, info, warn and error, such as one of pino', (value) =>
  ['debug', 'info', 'warn', 'error'].every(
    (level) => typeof (value as Readonly<Record<string, unknown>> | null)?.[level] === 'function',
  ),
)

export const whole = (least: number, most = most32): Rule =>
  rule(
    `a whole number from ${least} to ${most}`,
    (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  )

export function oneOf(...values: readonly string[]): Rule {
  const [last, ...others] = values.map((value) => `'${value}'`).reverse()
  return rule([others.reverse().join(', '), last].filter(Boolean).join(' or '), (value) =>
    values.includes(value as never),
  )
}

const longestUrl = 2_048

/** Whether a text is a URL of http or https at which an instance may be asked: others are told of it, so there are no credentials in it. */
export function isInstanceUrl(text: string): boolean {
  if (text.length > longestUrl || !URL.canParse(text)) return false
  const { protocol, search, hash, username, password } = new URL(text)
  return /^https?:$/.test(protocol) && [search, hash, username, password].every((part) => part === '')
}
