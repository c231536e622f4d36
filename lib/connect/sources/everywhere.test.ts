import { readAll } from '../../../test/reading.js'
import { faultyLog } from '../../../test/faulty-log.js'
import { hastyClock, runnerOptions, until, untilAborted } from '../../../test/source-world.js'
import { text } from '../../codec/codec.js'
import { MillraceError } from '../../core/errors.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { topic } from '../../model/stream.js'
import { source } from '../definitions.js'
import type { SourceBatch, SourceConnector } from '../source.js'
import { SourceRunner } from './source-runner.js'

const lines = topic('lines', text())
const values = async (log: MemoryLog): Promise<unknown[]> =>
  (await readAll(log, lines)).map(({ value }) => value).sort()

/** Gives what is in the list, which all processes share, and puts it back where it was not acknowledged. */
const shared = (given: string[], delivery: 'acknowledged' | 'volatile'): SourceConnector => ({
  kind: 'shared',
  delivery,
  everywhere: true,
  async *open({ signal, position }): AsyncGenerator<SourceBatch> {
    expect(position).toBeUndefined()
    let open: string[] = []
    try {
      for (let next = given.shift(); next !== undefined; next = given.shift()) {
        const value = next
        open.push(value)
        yield { records: [{ value, id: 'the same' }], ack: () => void (open = open.filter((each) => each !== value)) }
      }
      await untilAborted(signal)
    } finally {
      if (delivery === 'acknowledged') given.push(...open)
    }
  },
})

const runnerOf = (log: MemoryLog, from: SourceConnector, port = runnerOptions(log).log): SourceRunner =>
  new SourceRunner(runnerOptions(log, { clock: hastyClock, log: port }), source('orders', { into: lines, from }))

describe('a source that every process reads', () => {
  it('has no group, no positions and no ids', async () => {
    const log = memoryLog({ partitions: 2 })
    const given = ['a', 'b', 'c', 'd']
    const from = shared(given, 'acknowledged')
    const runners = [runnerOf(log, from), runnerOf(log, from)]
    await Promise.all(runners.map((runner) => runner.start()))
    await until(async () => (await values(log)).length === 4)
    expect(runners.map(({ health }) => health.partitions)).toEqual([['0'], ['0']])
    await Promise.all(runners.map((runner) => runner.close()))
    expect(await values(log)).toEqual(['a', 'b', 'c', 'd'])
    expect(await log.admin.list('app-orders')).toEqual([])
  })

  it.each([
    ['acknowledged', ['a', 'b', 'c']],
    // What was gathered behind it is lost with it.
    ['volatile', []],
  ] as const)('and that is %s has %p when the first append fails', async (delivery, expected) => {
    const log = memoryLog({ partitions: 1 })
    let fails = true
    const port = faultyLog(log, (step) => {
      if (step !== 'append' || !fails) return undefined
      fails = false
      return { error: new MillraceError('BROKER_REFUSED', 'it failed'), done: false }
    })
    const runner = runnerOf(log, shared(['a', 'b', 'c'], delivery), port)
    await runner.start()
    await until(async () => runner.stats.retries > 0 && (await values(log)).length >= expected.length)
    await runner.close()
    expect(await values(log)).toEqual(expected)
    expect(runner.health.guarantee).toBe(delivery === 'volatile' ? 'at-most-once' : 'at-least-once')
  })

  it.each([[['a', '\ud800']], [['x'.repeat(201)]], [['']], [[7]]])('has partitions with names: %p', (partitions) => {
    const from = { ...shared([], 'volatile'), partitions: partitions as never }
    expect(() => source('orders', { into: lines, from })).toThrow(/give a list of 1 to 1,000 names/)
  })

  it('goes on when its producer is fenced: there is no group that would give it to somebody else', async () => {
    const log = memoryLog({ partitions: 1 })
    let left = 2
    const faulty = faultyLog(log, (step) =>
      step === 'commit' && left-- > 0
        ? { error: new MillraceError('FENCED', 'its epoch is over'), done: false }
        : undefined,
    )
    const runner = runnerOf(log, shared(['a', 'b'], 'acknowledged'), faulty)
    await runner.start()
    await until(async () => new Set(await values(log)).size === 2 && runner.health.state === 'running')
    await runner.close()
    expect(left).toBeLessThan(0)
  })
})
