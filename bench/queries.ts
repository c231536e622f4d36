import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { createApp, kafkaLog, stateObject, topic } from 'millrace'
import { z } from 'zod'
import { partitions, report, rounded, runName, whole } from './shared/setting.js'

/** How long a read takes: of an object that is here, of one that another process has, and of what was written the moment before. */
const { values: args } = parseArgs({
  options: {
    brokers: { type: 'string' },
    reads: { type: 'string' },
    writes: { type: 'string' },
    child: { type: 'string' },
  },
})
if (args.brokers === undefined) throw new Error('--brokers is needed: two processes share a log')
const brokers = args.brokers.split(',')
const reads = whole(args.reads, 3_000)
const writes = whole(args.writes, 300)
const objects = 1_000

const id = args.child ?? runName('queries')
const deposits = topic(`${id}-deposits`, z.object({ account: z.string(), amount: z.number() }), { partitions })
const account = stateObject('account', { state: z.object({ sum: z.number() }), init: () => ({ sum: 0 }) }).on(
  deposits,
  ({ account: key }) => key,
  (state, { amount }) => {
    state.sum += amount
  },
)
const dataDir = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
const app = createApp({ id, objects: [account], kafka: { brokers }, dataDir, createTopics: true, http: { port: 0 } })
const keyOf = (n: number): string => `account-${n}`
const key = { key: (deposit: { account: string }) => deposit.account }

const percentiles = (ms: number[]): { p50: number; p99: number } => {
  ms.sort((a, b) => a - b)
  const at = (share: number): number => rounded(ms[Math.min(ms.length - 1, Math.floor(ms.length * share))] ?? NaN)
  return { p50: at(0.5), p99: at(0.99) }
}

async function measured(): Promise<void> {
  const log = kafkaLog({ brokers })
  // The topics are made by the first of the two.
  await app.start()
  const child = spawn(process.execPath, [process.argv[1] as string, '--brokers', brokers.join(','), '--child', id], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface(child.stdout)
  await once(lines, 'line')
  await log.send(
    deposits,
    Array.from({ length: objects }, (_, n) => ({ account: keyOf(n), amount: 1 })),
    key,
  )
  await app.drained()
  const owners = await Promise.all(
    Array.from({ length: objects }, async (_, n) => (await app.owner(account, keyOf(n))).isHere),
  )
  const here = owners.flatMap((isHere, n) => (isHere ? [n] : []))
  const there = owners.flatMap((isHere, n) => (isHere ? [] : [n]))
  const sums = new Map<number, number>()
  let wrong = here.length === 0 || there.length === 0 ? 1 : 0
  const state = app.state(account)

  const timed = async (of: readonly number[], count: number): Promise<{ p50: number; p99: number }> => {
    const ms: number[] = []
    for (let i = 0; i < count; i++) {
      const n = of[(i * 7_919) % of.length] as number
      const from = performance.now()
      const value = await state.get(keyOf(n))
      ms.push(performance.now() - from)
      if (value?.sum !== 1 + (sums.get(n) ?? 0)) wrong++
    }
    return percentiles(ms)
  }
  /** From when the write is acknowledged. */
  const timedAfter = async (of: readonly number[], count: number): Promise<{ p50: number; p99: number }> => {
    const ms: number[] = []
    for (let i = 0; i < count; i++) {
      const n = of[(i * 7_919) % of.length] as number
      const { token } = await log.send(deposits, [{ account: keyOf(n), amount: 1 }], key)
      sums.set(n, (sums.get(n) ?? 0) + 1)
      const from = performance.now()
      const value = await state.get(keyOf(n), { after: token })
      ms.push(performance.now() - from)
      if (value?.sum !== 1 + (sums.get(n) ?? 0)) wrong++
    }
    return percentiles(ms)
  }

  await timed(there, 200)
  await timed(here, 200)
  const local = await timed(here, reads)
  const remote = await timed(there, reads)
  const localAfter = await timedAfter(here, writes)
  const remoteAfter = await timedAfter(there, writes)
  child.stdin.end()
  await once(child, 'exit')
  await app.close()
  await log[Symbol.asyncDispose]()
  report({
    bench: 'queries',
    unit: 'ms',
    reads,
    writes,
    local,
    remote,
    localAfter,
    remoteAfter,
    wrong,
    verified: wrong === 0,
  })
}

try {
  if (args.child === undefined) await measured()
  else {
    await app.start()
    process.stdout.write('running\n')
    process.stdin.resume()
    await once(process.stdin, 'end')
    await app.close()
  }
} finally {
  rmSync(dataDir, { recursive: true, force: true })
}
