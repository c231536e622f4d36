import { PositionMap } from '../../core/record.js'
import type { LogPort } from '../../log/port.js'
import { demandNobody } from './members.js'
import type { ResetPlan } from './plan.js'

/** Called before each step, with what it does. */
export type OnStep = (what: string) => void

/**
 * Does what a plan says. In an order in which an app that is started after half of it is refused, and the reset can be done again:
 * topics go first, while the group still knows that there was state in them.
 */
export async function executeReset(
  log: LogPort,
  { app, offsets, deleted, forgotten }: ResetPlan,
  onStep: OnStep,
  wipe: () => Promise<void>,
): Promise<void> {
  const { admin } = log
  await demandNobody(admin, app)
  onStep('transactions that were left open are ended')
  await admin.fence(`${app}:`, new Set())
  if (deleted.length > 0) {
    onStep(`topics are deleted: ${deleted.join(', ')}`)
    await admin.deleteTopics(deleted)
  }
  await wipe()
  const none = new Set((forgotten.get(app) ?? []).map(({ topic, partition }) => `${topic} ${partition}`))
  const set = offsets.filter(({ topic, partition }) => !none.has(`${topic} ${partition}`))
  if (set.length > 0) {
    onStep('offsets are set')
    await commit(log, app, PositionMap.of(set.map(({ topic, partition, to }) => [topic, partition, to])))
  }
  for (const [group, partitions] of forgotten) {
    if (partitions.length === 0) continue
    onStep(`offsets of group ${group} are taken away`)
    await admin.forgetOffsets(group, partitions)
  }
}

/** Without notes: whoever sets offsets by hand means the topics that there are now. */
async function commit(log: LogPort, group: string, { topics }: PositionMap): Promise<void> {
  await using channel = await log.idempotent()
  await channel.begin([], group)
  await channel.offsets({ group, generationId: -1, memberId: '', withoutMembers: true }, topics)
  await channel.commit()
}
