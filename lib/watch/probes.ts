import { json } from '../http/answers.js'
import type { Route } from '../http/route.js'
import type { Health } from '../runtime/setup/engine-options.js'

/** What orchestrators ask: 200 or 503, and in both cases why. */
export function probeRoutes(health: () => Health): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/livez',
      access: 'open',
      handle: () => {
        const { live, state, reason } = health()
        return json({ live, state, reason }, { status: live ? 200 : 503 })
      },
    },
    {
      method: 'GET',
      path: '/readyz',
      access: 'open',
      handle: () => {
        const { ready, state, reason, takingOver, needsOperator } = health()
        return json({ ready, state, reason, takingOver, needsOperator }, { status: ready ? 200 : 503 })
      },
    },
  ]
}
