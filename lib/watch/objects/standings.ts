import type { Peers } from '../overview/peers.js'
import type { LetterStanding } from '../overview/shapes.js'
import type { LocalObjects } from './local-objects.js'

const patienceMs = 3_000

interface Named {
  readonly kind: string
  readonly key: string
}

type Answer = LetterStanding | null | undefined

/** What objects say of their letters, from whoever has them; undefined of those that cannot be asked. */
export async function standings(
  local: LocalObjects,
  peers: Peers,
  objects: readonly Named[],
): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  const byOwner = new Map<Awaited<ReturnType<Peers['ownerOf']>>, number[]>()
  for (const [index, { kind, key }] of objects.entries()) {
    answers[index] = await standing(local, { kind, key })
    if (answers[index] !== undefined || !hasKind(local, kind)) continue
    const owner = await peers.ownerOf(local.taskOf(kind, key))
    byOwner.set(owner, [...(byOwner.get(owner) ?? []), index])
  }
  const ask = async ([owner, indexes]: [Awaited<ReturnType<Peers['ownerOf']>>, number[]]): Promise<void> => {
    if (owner === undefined) return
    try {
      const body = { objects: indexes.map((index) => objects[index]) }
      const told = await peers.ask(owner, { path: '/api/letters/standing', body, timeoutMs: patienceMs })
      const list = (told as { readonly standings?: unknown } | undefined)?.standings
      if (Array.isArray(list)) indexes.forEach((index, at) => (answers[index] = readable(list[at])))
    } catch {
      // What cannot be asked is unknown.
    }
  }
  await Promise.all([...byOwner].map(ask))
  return answers
}

/** The same of what is here; undefined of what is not. A kind that the app does not have any more has no letters. */
export async function standing(local: LocalObjects, { kind, key }: Named): Promise<Answer> {
  return hasKind(local, kind) ? local.standing(kind, key) : null
}

function hasKind(local: LocalObjects, kind: string): boolean {
  try {
    local.definition(kind)
    return true
  } catch {
    return false
  }
}

function readable(told: unknown): Answer {
  if (told === null) return null
  const { series, done } = (told ?? {}) as Partial<LetterStanding>
  return typeof series === 'string' && typeof done === 'number' ? { series, done } : undefined
}
