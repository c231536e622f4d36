import { readFacts, type ProcessFacts } from './process-facts.js'
import type { GroupMember } from '../port.js'

/** A member of a group, as far as it matters to who joins it. */
export interface Entry {
  readonly id: string
  readonly instanceId: string | undefined
  readonly host: string
  /** What people know it by, if it says so. */
  readonly instance: string | undefined
  readonly facts: ProcessFacts | undefined
}

export function entryOf({ id, instanceId, host, told }: GroupMember): Entry {
  const { instance, process } = parse(told)
  const known = typeof instance === 'string' && instance !== '' ? instance : instanceId
  return { id, instanceId, host, instance: known, facts: readFacts(process) }
}

/** For people: `'a1b2c3d4' (process 17 on build-3, 10.0.0.7)`. */
export function nameOf({ id, instance, host, facts }: Entry): string {
  const place = facts === undefined ? host : `process ${facts.pid} on ${facts.host.slice(0, 64)}, ${host}`
  return place === '' ? `'${instance ?? id}'` : `'${instance ?? id}' (${place.replace(/, $/, '')})`
}

/** What a member tells, which is a JSON object, and of its process. */
export function tellingOf(told: Uint8Array, process: ProcessFacts): Uint8Array {
  return Buffer.from(JSON.stringify({ ...parse(told), process }))
}

function parse(told: Uint8Array | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(told ?? []).toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
