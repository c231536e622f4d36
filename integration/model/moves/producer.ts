import { grace } from '../rules/event-time.js'
import type { World } from '../rules/world.js'
import type { Operation, Source } from '../state/records.js'

/** What records do in a case; often enough the plain thing. */
export function operationsOf({ config }: World): readonly Operation[] {
  return [
    'add',
    'add',
    'add',
    ...(config.errors ? (['throws', 'throws-once', 'throws-once', 'add', 'add', 'add'] as const) : []),
    ...(config.refusals ? (['refused'] as const) : []),
    ...(config.timers ? (['set-timer', 'set-timer'] as const) : []),
    ...(config.deletes ? (['delete', 'delete'] as const) : []),
  ]
}

/** One more record of the input. */
export function produce(world: World, x: number): boolean {
  if (world.produced >= world.shape.records) return false
  world.produced++
  const key = x % world.shape.keys
  const topic = (x >> 4) % world.topics.length
  const partitions = world.topics[topic] as readonly Source[]
  const arbitrary = topic < world.config.arbitraryTopics
  const source = partitions[(arbitrary ? x >> 6 : key) % partitions.length] as Source
  const operations = operationsOf(world)
  const seq = (source.last.get(key) ?? 0) + 1
  source.last.set(key, seq)
  const id = `${topic} ${key}`
  const topicSeq = (world.topicSeq.get(id) ?? 0) + 1
  world.topicSeq.set(id, topicSeq)
  const op = operations[(x >> 9) % operations.length] as Operation
  const isBehind = (x & 1) === 1 && source.log.length > 0
  const time = isBehind ? source.latest - ((x >> 2) % (grace + 1)) : source.latest + ((x >> 2) % 50)
  source.latest = Math.max(source.latest, time)
  source.log.push({
    source,
    key,
    seq,
    topicSeq,
    op,
    time,
    excused: source.wasSilent,
    slow: world.config.slow && x % 7 < 3,
  })
  world.say(
    () =>
      `producer: ${source.name} key ${key} seq ${seq}: ${op}${source.log.at(-1)?.slow === true ? ', slowly' : ''}${world.config.eventTime ? `, of time ${time}${source.wasSilent ? ', may be late' : ''}` : ''}`,
  )
  return true
}
