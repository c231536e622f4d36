import type { InstanceReport } from './shapes.js'

type Type = 'string' | 'number' | 'boolean' | 'object'
type Shape = Readonly<Record<string, Type>>

/** Of what is in each list. */
const lists: Readonly<Record<'tasks' | 'restoring' | 'standbys' | 'connectors' | 'kinds', Shape>> = {
  tasks: { task: 'number', quarantined: 'number', partitions: 'object' },
  restoring: { task: 'number', records: 'number' },
  standbys: { task: 'number' },
  connectors: { kind: 'string', name: 'string', connector: 'string', state: 'string', records: 'number' },
  kinds: { kind: 'string', turns: 'number', count: 'number', totalMs: 'number' },
}
const own: Shape = { instance: 'string', node: 'string', now: 'number', startedAt: 'number', memoryBytes: 'number' }
const health: Shape = { live: 'boolean', ready: 'boolean', state: 'string', lag: 'number' }
const timed: Shape = { count: 'number', totalMs: 'number' }

/**
 * Whether it is what an instance of this app tells, as far as the page and what is added up here need it: one of another version may tell
 * something else, and so may whoever has joined the group. What it tells beyond that is of no matter.
 */
export function isReport(answer: unknown, app: string): answer is InstanceReport {
  if (!isObject(answer) || answer['app'] !== app || !fits(answer, own) || !isTextOrNone(answer['version'])) return false
  for (const [name, shape] of Object.entries(lists))
    if (!isListOf(answer[name], (each) => fits(each, shape))) return false
  const { health: state, counts, written, commitTime, tasks, connectors } = answer
  if (!fits(state, health) || !isTextOrNone(state['reason']) || !isTexts(state['paused'])) return false
  if (state['needsOperator'] !== undefined && !isTexts(state['needsOperator'])) return false
  if (!fits(commitTime, timed) || !isNumbers(counts) || !isNumbers(written)) return false
  return (
    (connectors as readonly Fields[]).every(({ reason }) => isTextOrNone(reason)) &&
    (tasks as readonly Fields[]).every(({ partitions }) =>
      isListOf(partitions, (each) => fits(each, { topic: 'string', position: 'number' })),
    )
  )
}

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null
const isListOf = (value: unknown, fitting: (each: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(fitting)
const isTexts = (value: unknown): boolean => isListOf(value, (each) => typeof each === 'string')
const isTextOrNone = (value: unknown): boolean => value === undefined || typeof value === 'string'
const isNumbers = (value: unknown): boolean =>
  isObject(value) && Object.values(value).every((each) => typeof each === 'number')
const fits = (value: unknown, shape: Shape): value is Fields =>
  isObject(value) && Object.entries(shape).every(([name, type]) => typeof value[name] === type && value[name] !== null)
