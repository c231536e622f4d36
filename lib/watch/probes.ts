import { MillraceError } from '../core/errors.js'
import { json } from '../http/answers.js'
import type { Route } from '../http/route.js'
import type { Health } from '../runtime/setup/engine-options.js'

/** What orchestrators ask: 200 or 503, and in both cases why. */
export function probeRoutes(
  health: () => Health,
  failure: () => { readonly error: unknown } | undefined = () => undefined,
): readonly Route[] {
  /** Anybody may ask, and an error may hold whatever a handler or a broker has put into it. */
  const shown = (): Health => {
    const { state, ...found } = health()
    const failed = failure()
    if (failed === undefined) return { ...found, state }
    const code = MillraceError.is(failed.error) ? ` (${failed.error.code})` : ''
    const reason = `it was stopped by an error${code}: its log says which`
    return { ...found, state, reason, needsOperator: [reason] }
  }
  return [
    {
      method: 'GET',
      path: '/livez',
      access: 'open',
      handle: () => {
        const { live, state, reason } = shown()
        return json({ live, state, reason }, { status: live ? 200 : 503 })
      },
    },
    {
      method: 'GET',
      path: '/readyz',
      access: 'open',
      handle: () => {
        const { ready, state, reason, takingOver, needsOperator } = shown()
        return json({ ready, state, reason, takingOver, needsOperator }, { status: ready ? 200 : 503 })
      },
    },
  ]
}
