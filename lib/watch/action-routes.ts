import { anyText, list, object, required, rule, text, whole, type Rules } from '../core/options.js'
import { json } from '../http/answers.js'
import type { Route } from '../http/route.js'
import type { LetterChoice } from './objects/actions.js'
import { standing } from './objects/standings.js'
import { bodyOf, checked, requestInvalid } from './overview/requests.js'
import type { Watch } from './watch.js'

interface ReleaseBody {
  readonly kind: string
  readonly key: string
  readonly here?: boolean
}

interface ReplayBody {
  /** Left out: all that have come since the last replay. */
  readonly only?: LetterChoice
}

interface DropBody {
  readonly which: LetterChoice
  readonly reason: string
}

interface StandingBody {
  readonly objects: readonly { readonly kind: string; readonly key: string }[]
}

const mostAsked = 500

const release: Rules<ReleaseBody> = {
  kind: required(text),
  key: required(anyText),
  here: rule('true or false', (value) => typeof value === 'boolean'),
}
const replay: Rules<ReplayBody> = { only: object('{ kind, key, code, letter }') }
const drop: Rules<DropBody> = { which: required(object('{ kind, key, code, letter }')), reason: required(text) }
const asked: Rules<StandingBody> = { objects: required(list('a list of { kind, key }')) }
const choice: Rules<LetterChoice> = { kind: text, key: anyText, code: text, letter: object('{ partition, offset }') }
const place: Rules<NonNullable<LetterChoice['letter']>> = {
  partition: required(whole(0)),
  offset: required(whole(0, Number.MAX_SAFE_INTEGER)),
}
const named: Rules<StandingBody['objects'][number]> = { kind: required(text), key: required(anyText) }

/** What changes something, and what is asked with a body. */
export function actionRoutes({ actions, local }: Watch): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/api/release',
      access: 'write',
      async handle(call) {
        const { kind, key, here = false } = await bodyOf('/api/release', call, release)
        return json({ released: await actions.release(kind, key, here) })
      },
    },
    {
      method: 'POST',
      path: '/api/letters/replay',
      access: 'write',
      async handle(call) {
        const { only } = await bodyOf('/api/letters/replay', call, replay)
        return json(await actions.replay(only && chosen('only', only)))
      },
    },
    {
      method: 'POST',
      path: '/api/letters/drop',
      access: 'write',
      async handle(call) {
        const { which, reason } = await bodyOf('/api/letters/drop', call, drop)
        return json(await actions.drop(chosen('which', which), reason))
      },
    },
    {
      method: 'POST',
      path: '/api/letters/standing',
      access: 'read',
      async handle(call) {
        const { objects } = await bodyOf('/api/letters/standing', call, asked)
        if (objects.length > mostAsked)
          throw requestInvalid(`objects: ${objects.length} of them; give at most ${mostAsked}`)
        const standings = []
        for (const each of objects) standings.push((await standing(local, checked('objects', each, named))) ?? null)
        return json({ standings })
      },
    },
  ]
}

function chosen(name: string, given: LetterChoice): LetterChoice {
  const { letter } = checked(name, given, choice)
  if (letter !== undefined) checked(`${name}.letter`, letter, place)
  return given
}
