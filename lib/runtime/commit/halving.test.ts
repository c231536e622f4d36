import fc from 'fast-check'
import { MillraceError } from '../../core/errors.js'
import { recordName } from '../path/culprits.js'
import { Halving } from './halving.js'

const refusal = new MillraceError('RECORDS_REFUSED', 'no')

/** Partitions that are read in turns, as `order` says; `bad` are refused. Commits until all is read. */
class Input {
  readonly halving = new Halving()
  readonly blamed: string[] = []
  commits = 0
  readonly #ends: readonly number[]
  readonly #bad: ReadonlySet<string>
  readonly #order: () => number
  #committed: number[]
  #read: number[]

  constructor(ends: readonly number[], bad: ReadonlySet<string>, order: () => number) {
    this.#ends = ends
    this.#bad = bad
    this.#order = order
    this.#committed = ends.map(() => 0)
    this.#read = ends.map(() => 0)
  }

  commitAll(perCommit: number): void {
    while (this.#committed.some((read, partition) => read < (this.#ends[partition] as number))) this.#commit(perCommit)
  }

  #commit(perCommit: number): void {
    const { halving } = this
    let refused = false
    let taken = 0
    while (halving.left > 0 && taken < perCommit && this.#takeOne((isBad) => (refused ||= isBad))) taken++
    this.commits++
    halving.sealed()
    if (!refused) {
      halving.committed()
      this.#committed = [...this.#read]
      return
    }
    const found = halving.refused(refusal)
    if (found !== undefined) this.blamed.push(found)
    halving.discard()
    this.#read = [...this.#committed]
  }

  #takeOne(take: (isBad: boolean) => void): boolean {
    const left = this.#ends.flatMap((end, partition) => ((this.#read[partition] as number) < end ? [partition] : []))
    const partition = left[this.#order() % left.length]
    if (partition === undefined) return false
    const offset = (this.#read[partition] as number)++
    const name = recordName('in', partition, offset)
    take(this.#bad.has(name) && this.halving.culprits.pass(name) === undefined)
    this.halving.tookRecords('in', partition, 1, offset)
    return true
  }
}

const named = (bad: readonly (readonly [partition: number, offset: number])[]): ReadonlySet<string> =>
  new Set(bad.map(([partition, offset]) => recordName('in', partition, offset)))

describe('halving', () => {
  it('blames every culprit once and nobody else, in whatever order all is read again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.tuple(fc.nat(3), fc.nat(59)), { maxLength: 12 }),
        fc.integer({ min: 1, max: 100 }),
        fc.infiniteStream(fc.nat(1_000)),
        (ends, places, perCommit, order) => {
          const bad = named(places.filter(([partition, offset]) => offset < (ends[partition] ?? 0)))
          const input = new Input(ends, bad, () => order.next().value as number)
          input.commitAll(perCommit)
          expect([...input.blamed].sort()).toEqual([...bad].sort())
          expect(input.halving.culprits.none).toBe(true)
        },
      ),
    )
  })

  it.each([1, 2, 3, 1_000, 65_536])(
    'of %i records takes about twice as many commits as they can be halved',
    (count) => {
      for (const place of [0, 1, count >> 1, count - 1].filter((each) => each < count)) {
        const input = new Input([count], named([[0, place]]), () => 0)
        input.commitAll(Infinity)
        expect(input.blamed).toEqual([recordName('in', 0, place)])
        // Halved, one by one where half went through, and twice as many each time after that.
        expect(input.commits).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(count)) + 4)
      }
    },
  )

  it('ends when commits have grown again to what they were', () => {
    const input = new Input([1_000], named([[0, 300]]), () => 0)
    input.commitAll(Infinity)
    expect(input.halving.active).toBe(false)
  })

  it('takes three commits for each, at most, of many one after the other', () => {
    const bad = named(Array.from({ length: 100 }, (_, offset) => [0, offset + 50] as const))
    const input = new Input([200], bad, () => 0)
    input.commitAll(Infinity)
    expect(input.blamed).toHaveLength(100)
    expect(input.commits).toBeLessThan(320)
  })

  it('has nobody to blame for a commit in which nothing was taken', () => {
    const halving = new Halving()
    halving.sealed()
    expect(() => halving.refused(refusal)).toThrow(expect.objectContaining({ code: 'RECORDS_REFUSED' }))
  })
})
