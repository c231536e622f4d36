import { isDeepStrictEqual } from 'node:util'
import type { LogPort } from '../../log/port.js'
import type { StateCodec } from '../../state/state-codec.js'
import type { Instance } from '../frame/instance.js'
import { jsonText } from '../frame/output.js'
import { changelogOf, objectOf, objectsIn, type Scan } from '../stored/changelogs.js'
import { liveList, liveObject } from '../stored/live.js'
import { decodedValue, exactJson, isJson, storedValue, type ValueOf } from '../stored/values.js'
import type { Findings } from './findings.js'

export interface LiveKind {
  readonly app: string
  readonly kind: string
  /** Undefined without a program: then what is stored is compared, which is what JSON codecs make. */
  readonly codec: StateCodec | undefined
  readonly instance: Instance
}

const mostLooks = 5
/** Of those that differ, so many are looked at again one by one. */
const mostSuspected = 1_000

/**
 * Compares every object that a running app tells with the changelog, and the other way round. The app goes on meanwhile: what differs is
 * asked for again, and counts when the changelog says the same before and after.
 */
export async function verifyLive(log: LogPort, live: LiveKind, findings: Findings, scan: Scan): Promise<void> {
  const { app, kind, codec, instance } = live
  const read = codec === undefined ? storedValue : decodedValue(codec)
  const told = new Map<string, string>()
  for await (const object of liveList(instance, kind, { prefix: '', after: undefined, limit: Infinity })) {
    told.set(object.key, jsonText(object.value))
    scan.onRead(`${kind}: ${told.size} objects told by ${instance.url}`)
  }
  const suspected: { readonly key: string; readonly version?: number }[] = []
  let newest = 0
  let agreed = 0
  for (const stretch of await changelogOf(log, app, kind)) {
    for await (const objects of objectsIn(log, stretch, () => true, scan)) {
      for (const object of objects) {
        const found = told.get(object.key)
        if (found === undefined && isSessions(read(object)))
          return findings.note(
            `${kind}: its open sessions are one object for each key in the changelog, and are not compared`,
          )
        if (codec === undefined && found !== undefined && agreed === 0 && !isJson(object))
          return findings.note(`${kind}: what is stored is no JSON, and is not compared without --program`)
        told.delete(object.key)
        newest = Math.max(newest, object.version)
        if (found !== undefined && isSame(JSON.parse(found), read(object))) {
          findings.agrees('live')
          agreed++
        } else suspected.push({ key: object.key, version: object.version })
      }
    }
  }
  for (const key of told.keys()) suspected.push({ key })
  // The app tells them as its own version has them, and the step to it is in the program.
  const isOlder = ({ version = newest }: { readonly version?: number }): boolean =>
    codec === undefined && version < newest
  const older = suspected.filter(isOlder).length
  if (older > 0)
    findings.note(`${kind}: ${older} objects that an older version has written are not compared without --program`)
  const compared = suspected.filter((each) => !isOlder(each))
  const seen = compared.slice(0, mostSuspected)
  for (const { key } of seen) await verifyObject(log, live, key, read, findings, scan)
  if (compared.length > seen.length)
    findings.note(
      `${kind}: ${compared.length - seen.length} more objects differed at first, and were not looked at again`,
    )
}

async function verifyObject(
  log: LogPort,
  { app, kind, instance }: LiveKind,
  key: string,
  read: ValueOf,
  findings: Findings,
  { signal }: Scan,
): Promise<void> {
  const stored = async () => objectOf(log, await changelogOf(log, app, kind), key, signal)
  let before = await stored()
  for (let look = 1; look <= mostLooks; look++) {
    const answer = (await liveObject(instance, kind, key)) as { readonly value?: unknown } | undefined
    const after = await stored()
    const value = answer?.value ?? undefined
    const expected = after === undefined ? undefined : read(after)
    if (isSame(value, expected)) return findings.agrees('live')
    if (before?.offset === after?.offset) {
      const is = value === undefined ? 'missing' : after === undefined ? 'extra' : 'other'
      const told = { expected: textOf(expected), found: textOf(value) }
      return findings.differs({ in: 'live', kind, key, is, where: instance.url, ...told })
    }
    before = after
  }
  findings.note(`${kind} '${key}' changed each time it was looked at, and was not compared`)
}

/** As they are stored, a list of [start, end, state], or as a program decodes them. */
function isSessions(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0) return false
  const types = (each: readonly unknown[]): string => each.map((part) => typeof part).join(' ')
  return value.every((each: unknown) => {
    if (Array.isArray(each)) return types(each) === 'number number string'
    return typeof each === 'object' && each !== null && 'start' in each && 'end' in each && 'state' in each
  })
}

const textOf = (value: unknown): string | undefined => (value === undefined ? undefined : jsonText(value))

/** As JSON says it: that is how an instance tells it. */
function isSame(found: unknown, expected: unknown): boolean {
  if (found === undefined || expected === undefined) return found === expected
  return isDeepStrictEqual(exactJson(jsonText(found)), exactJson(jsonText(expected)))
}
