/** One check of a contract: hand each to your test framework, `for (const { name, run } of …) it(name, run)`. */
export interface ContractCheck {
  readonly name: string
  /** Rejects with a sentence that says what the connector does, and what it must do. */
  readonly run: () => Promise<void>
}

/** Throws with this sentence when it is not so. */
export function demand(isSo: boolean, sentence: string): asserts isSo {
  if (!isSo) throw new Error(sentence)
}
