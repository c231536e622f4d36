/** What was compared with the changelog. */
export type Compared = 'store' | 'live' | 'row'

/** Something that is not as the changelog has it. */
export interface Difference {
  readonly in: Compared
  readonly kind: string
  readonly key: string
  /** `missing`: the changelog has an object, and this nothing; `extra`: the other way round; `other`: both, and they differ; `unreadable`. */
  readonly is: 'missing' | 'extra' | 'other' | 'unreadable'
  /** Where it is: a store, a topic and partition, an instance. */
  readonly where: string
  /** As the changelog says, and as it was found; beginnings of long ones. */
  readonly expected?: string | undefined
  readonly found?: string | undefined
}

const longest = 300

/** All that a verification has found so far. */
export class Findings {
  readonly differences: Difference[] = []
  readonly notes: string[] = []
  readonly #limit: number
  readonly #compared: Record<Compared, number> = { store: 0, live: 0, row: 0 }
  #inAll = 0
  #behind = 0

  /** So many differences are kept; all are counted. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get inAll(): number {
    return this.#inAll
  }

  get compared(): Readonly<Record<Compared, number>> {
    return this.#compared
  }

  /** Objects that have changed since a store was written, and are brought to it when the app starts. */
  get behind(): number {
    return this.#behind
  }

  /** Something was there, and none of it could be compared: then it is not known whether all is well. */
  get isNothing(): boolean {
    return this.notes.length > 0 && this.#behind === 0 && Object.values(this.#compared).every((count) => count === 0)
  }

  agrees(compared: Compared): void {
    this.#compared[compared]++
  }

  isBehind(objects: number): void {
    this.#behind += objects
  }

  differs({ expected, found, ...difference }: Difference): void {
    this.#compared[difference.in]++
    this.#inAll++
    if (this.differences.length < this.#limit)
      this.differences.push({ ...difference, expected: shortened(expected), found: shortened(found) })
  }

  note(text: string): void {
    this.notes.push(text)
  }
}

const shortened = (text: string | undefined): string | undefined =>
  text === undefined || text.length <= longest ? text : `${text.slice(0, longest)}…`
