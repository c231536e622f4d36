import fc from 'fast-check'
import { systemClock } from '../../core/clock.js'
import { memoryLog } from '../../memory/memory-log.js'
import { runs } from '../../../test/runs.js'
import { committed, letters, newRows, rows, sendRows, until } from '../../../test/sink-lab.js'
import { isPoison, isRefused, Process, Target, type TargetKind } from '../../../test/sink-world.js'

const partitions = 3

type Act = 'send' | 'start' | 'kill' | 'stop' | 'expel' | 'wait'

const acts = fc.array(
  fc.record({
    act: fc.constantFrom<Act>('send', 'send', 'start', 'start', 'kill', 'stop', 'expel', 'wait', 'wait'),
    which: fc.nat(2),
    much: fc.nat(40),
  }),
  { minLength: 3, maxLength: 14 },
)

/** Mulberry32. */
function chances(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** What has come to the target when all was done. */
async function outcome(
  kind: TargetKind,
  schedule: readonly { act: Act; which: number; much: number }[],
  seed: number,
  attempts: number | 'unlimited' = 'unlimited',
) {
  const log = memoryLog()
  await newRows(log, partitions)
  const chance = chances(seed)
  const target = new Target(chance)
  target.faults = 0.15
  const alive: Process[] = []
  let sent = 0
  const start = async (): Promise<void> => {
    const process = new Process(log, target, kind, chance, attempts)
    alive.push(process)
    await process.runner.start()
  }
  for (const { act, which, much } of schedule) {
    const process = alive[which % Math.max(1, alive.length)]
    if (act === 'send') await sendRows(log, sent, (sent += much))
    else if (act === 'start' && alive.length < 3) await start()
    else if (act === 'wait') await systemClock.sleep(much / 4)
    else if (process === undefined) continue
    else if (act === 'expel') process.expel()
    else {
      alive.splice(alive.indexOf(process), 1)
      if (act === 'kill') process.kill()
      else await process.runner.close()
    }
  }
  target.faults = 0
  // The last of each partition is taken, which shows that it is not the target's fault when those before it are not.
  const last = Array.from({ length: 40 }, (_, i) => sent + i).filter((n) => !isRefused(n) && !isPoison(n))
  await log.send(
    rows,
    last.map((n) => ({ n })),
    { key: ({ n }) => `k${n % 10}` },
  )
  await start()
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic: rows.name, partition }))
  const ends = (await log.admin.endOffsets(all, 'committed')).get(rows.name)!
  await until(async () => (await committed(log, partitions)).every((offset, i) => (offset ?? 0) === ends.get(i)))
  for (const process of alive) await process.runner.close()
  const lettered = new Set(
    (await letters(log)).map((letter) => `${letter['source.partition']} ${letter['source.offset']}`),
  )
  const input = new Map<number, { offset: number; n: number }[]>()
  for await (const { value, record } of log.read(rows)) {
    const before = input.get(record.partition) ?? []
    input.set(record.partition, [...before, { offset: Number(record.offset), n: value!.n }])
  }
  await log[Symbol.asyncDispose]()
  return { target, input, lettered }
}

describe.each<TargetKind>(['plain', 'keeps the offset', 'two phases'])('a target that %s', (kind) => {
  it('has all records in order, whatever fails and whoever dies; once where it can say so', async () => {
    await fc.assert(
      fc.asyncProperty(acts, fc.nat(), async (schedule, seed) => {
        const { target, input, lettered } = await outcome(kind, schedule, seed)
        expect(target.errors).toEqual([])
        expect(target.prepared.size).toBe(0)
        const refused = [...input].flatMap(([partition, records]) =>
          records.filter(({ n }) => isRefused(n)).map(({ offset }) => `${partition} ${offset}`),
        )
        expect([...lettered].sort()).toEqual(refused.sort())
        for (const [partition, records] of input) {
          const wanted = records.filter(({ n }) => !isRefused(n))
          const got = target.rows.get(partition) ?? []
          expect(kind === 'plain' ? firsts(got) : got).toEqual(wanted)
        }
      }),
      { numRuns: runs(12, 300), endOnFailure: true },
    )
  })
})

describe.each<TargetKind>(['plain', 'keeps the offset', 'two phases'])(
  'a target that %s, and fails for some records',
  (kind) => {
    it('has all records in order but for those that are dead letters', async () => {
      await fc.assert(
        fc.asyncProperty(acts, fc.nat(), async (schedule, seed) => {
          const { target, input, lettered } = await outcome(kind, schedule, seed, 3)
          expect(target.errors).toEqual([])
          for (const [partition, records] of input) {
            const got = target.rows.get(partition) ?? []
            const came = kind === 'plain' ? firsts(got) : got
            expect(came.map(({ offset }) => offset)).toEqual(came.map(({ offset }) => offset).sort((a, b) => a - b))
            const written = new Set(came.map(({ offset }) => offset))
            const missing = records.filter(({ offset }) => !written.has(offset))
            expect(missing.filter(({ offset }) => !lettered.has(`${partition} ${offset}`))).toEqual([])
            expect(records.filter(({ n, offset }) => (isRefused(n) || isPoison(n)) && written.has(offset))).toEqual([])
          }
        }),
        { numRuns: runs(8, 200), endOnFailure: true },
      )
    })
  },
)

/** Each record as it came first. */
function firsts(got: readonly { offset: number; n: number }[]): readonly { offset: number; n: number }[] {
  const seen = new Set<number>()
  return got.filter(({ offset }) => !seen.has(offset) && seen.add(offset))
}
