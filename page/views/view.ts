import type { MemberView, Snapshot, Topology } from '../../lib/watch/overview/shapes.js'
import type { Asked } from '../parts/confirm.js'
import type { Rates } from '../rates.js'

/** What all views are given. */
export interface ViewProps {
  readonly snapshot: Snapshot
  readonly rates: Rates
  readonly topology: Topology | undefined
  /** What follows the name of the view in the address: `objects/order`. */
  readonly rest: readonly string[]
  readonly go: (...path: readonly string[]) => void
  /** Asks before something is done. Resolves when it is done, or left. */
  readonly confirm: (asked: Asked) => Promise<boolean>
}

export type Condition = 'good' | 'warn' | 'bad'

/** How an instance is, in a word. */
export function conditionOf({ report, away }: MemberView): { readonly tone: Condition; readonly word: string } {
  if (report === undefined) return { tone: 'bad', word: away === undefined ? 'unknown' : 'away' }
  const { live, ready, state } = report.health
  if (!live) return { tone: 'bad', word: state }
  return { tone: ready && state === 'running' ? 'good' : 'warn', word: state }
}

export const total = (snapshot: Snapshot, of: (member: NonNullable<MemberView['report']>) => number): number =>
  snapshot.members.reduce((sum, { report }) => sum + (report === undefined ? 0 : of(report)), 0)
