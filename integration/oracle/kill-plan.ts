import { seeded } from './input.js'

/** When one life of a process ends. */
export interface Life {
  readonly moment: 'starting' | 'restoring' | 'working'
  /** Commits it may make first, of a life that ends `working`. */
  readonly commits: number
  /** Milliseconds after the moment. */
  readonly afterMs: number
  /** Its directory is deleted before it begins. */
  readonly forgetful: boolean
  /** It is the static member of before, whose place it takes at once; otherwise the dead one's session must end first. */
  readonly isStatic: boolean
}

/** How each of `lives` processes is killed: most at work, every fifth before, every other one with its state deleted. */
export function killPlan(lives: number, seed: number): readonly Life[] {
  const random = seeded(seed)
  const upTo = (limit: number): number => Math.floor(random() * limit)
  return Array.from({ length: lives }, (_, life): Life => {
    const moment = life % 10 === 3 ? 'starting' : life % 10 === 7 ? 'restoring' : 'working'
    return {
      moment,
      commits: upTo(14),
      // A process that is starting has not yet loaded its modules, or has joined, or is opening stores.
      afterMs: moment === 'starting' ? 300 + upTo(700) : upTo(40),
      forgetful: life % 2 === 1,
      isStatic: life % 7 !== 5,
    }
  })
}
