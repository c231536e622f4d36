/** An input that pauses in this process, since what its handler asks for seems to be down. */
export interface PausedInput {
  /** Name of its kind. */
  readonly kind: string
  /** `<sources>#<n>`, as `describe()` names it. */
  readonly input: string
  /** Milliseconds since 1970. */
  readonly since: number
  /** Objects that had failed one after the other. */
  readonly objects: number
  /** What failed last. */
  readonly reason: string
}
