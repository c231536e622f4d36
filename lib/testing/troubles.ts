import { MillraceError } from '../core/errors.js'

/** What has failed during a call of the driver. What is done again fails again, and counts once. */
export class Troubles {
  readonly #errors = new Map<string, MillraceError>()

  hear = (error: MillraceError): void => {
    if (!this.#errors.has(error.message)) this.#errors.set(error.message, error)
  }

  forget(): void {
    this.#errors.clear()
  }

  /** Throws the first of them, and says how many there are. */
  demandNone(call: string): void {
    const [first, ...more] = this.#errors.values()
    if (first === undefined) return
    const { topic, partition, offset, kind, key, cause } = first
    const others = more.length === 0 ? '' : ` (${more.length} more failed)`
    const what = `${call}: ${first.message.replace(/\.?$/, '.')}${others} A test that means it to fail says so: { failures: 'expect' }.`
    const facts = { topic, partition, offset, kind, key, cause: cause ?? first }
    throw new MillraceError(
      first.code,
      what,
      Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== undefined)),
    )
  }
}
