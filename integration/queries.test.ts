import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp, kafkaLog, MillraceError } from 'millrace'
import { silentLogger } from '../lib/core/logger.js'
import { askedOptions } from '../test/queries/asked-options.js'
import { nextName } from './names.js'
import { describeWithKafka } from './setup/with-kafka.js'

const keys = Array.from({ length: 30 }, (_, i) => `key ${i}`)

describeWithKafka('queries of an app in two processes', (brokers) => {
  it('are never older than their token, and fail only where the owner is gone: kill -9, and rebalances', async () => {
    const id = nextName('asked')
    const { inputs, counter, options } = askedOptions(id)
    const folders = mkdtempSync(join(tmpdir(), 'millrace-asked-'))
    const log = kafkaLog({ brokers })
    const app = createApp({
      ...options,
      kafka: { brokers: [...brokers] },
      dataDir: join(folders, 'parent'),
      createTopics: true,
      logger: silentLogger,
    })
    const started = async (name: string): Promise<ChildProcessWithoutNullStreams> => {
      const runTs = join(__dirname, '..', 'test', 'processes', 'run-ts.cjs')
      const program = join(__dirname, '..', 'test', 'processes', 'asked-app.ts')
      const child = spawn(process.execPath, [runTs, program, brokers.join(','), id, join(folders, name)])
      await once(child.stdout, 'data')
      return child
    }
    try {
      await app.start()
      let isOver = false
      let round = 0
      const faults: string[] = []
      const soon: string[] = []
      let answers = 0
      const asking = (async () => {
        while (!isOver) {
          const sent = keys.map((key, i) => ({ lane: `lane ${(i + round) % 9}`, key }))
          const { token: after } = await log.send(inputs, sent, { key: ({ lane }) => lane })
          const n = ++round
          await Promise.all(
            keys.map(async (key, i) => {
              // Some are impatient, and may hear that their owner is gone.
              const timeout = i % 10 === 0 ? 1_000 : 30_000
              try {
                const found = await app.state(counter).get(key, { after, timeout })
                answers++
                if (found?.n !== n) faults.push(`${key}: ${found?.n} of ${n}`)
              } catch (error) {
                if (timeout === 1_000 && MillraceError.is(error)) soon.push(error.code)
                else faults.push(`${key}: ${String(error)}`)
              }
            }),
          )
        }
      })()
      const rounds = async (count: number): Promise<void> => {
        const until = round + count
        while (round < until) await new Promise((resolve) => setTimeout(resolve, 20))
      }
      await rounds(5)
      const first = await started('first')
      await rounds(5)
      const there = await Promise.all(keys.map(async (key) => (await app.owner(counter, key)).isHere))
      expect(new Set(there)).toEqual(new Set([true, false]))
      first.kill('SIGKILL')
      await rounds(5)
      const second = await started('second')
      await rounds(5)
      second.stdin.end()
      await once(second, 'exit')
      await rounds(5)
      isOver = true
      await asking
      expect(faults).toEqual([])
      // A token is of records of all partitions, and those of a dead owner are not handed on by anybody.
      const codes = ['OWNER_AWAY', 'KEY_RESTORING', 'READ_TIMEOUT']
      expect(soon.filter((code) => !codes.includes(code))).toEqual([])
      expect(soon.length).toBeGreaterThan(0)
      expect(answers).toBeGreaterThan(20 * keys.length)
    } finally {
      await app.close()
      await log[Symbol.asyncDispose]()
      rmSync(folders, { recursive: true, force: true })
    }
  }, 180_000)
})
