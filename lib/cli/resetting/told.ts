import type { ResetPlan } from './plan.js'

/** State begins anew, and not all that it was made of is read again: objects that get no record any more have rows still. */
export function rowsThatStay({
  deleted,
  untouched,
  aim,
}: Pick<ResetPlan, 'deleted' | 'untouched' | 'aim'>): readonly string[] {
  const isStateKept = !deleted.some((topic) => topic.endsWith('-changelog'))
  if (isStateKept || (aim.to === 'earliest' && untouched.length === 0)) return []
  return [
    'Published rows stay in their topics: those of objects that get no record from now on have no object any more,',
    'and millrace verify calls them extra.',
  ]
}
