import { untilAborted } from '../../test/source-world.js'
import type { SourceBatch, SourceConnector, SourceRecord } from './source.js'
import { sourceContract, type ContractSource, type SourceContractOptions } from './contract-of-sources.js'

const text = ({ value }: SourceRecord): string => String(value)

/** From a list, from a position on. */
const listSource = (values: readonly string[], behind = 0): ContractSource => ({
  text,
  connector: {
    kind: 'list',
    delivery: 'replayable',
    async *open({ position = 0, signal }): AsyncGenerator<SourceBatch<number>> {
      for (let at = position; at < values.length; at += 4)
        yield { records: values.slice(at, at + 4).map((value) => ({ value })), position: at + 4 + behind }
      await untilAborted(signal)
    },
  } satisfies SourceConnector<number>,
})

/** Gives again what was not acknowledged, unless it is broken. */
function queueSource(values: readonly string[], acks: 'ack' | 'deaf' | 'eager'): ContractSource {
  const left = new Set(values)
  return {
    text,
    connector: {
      kind: 'queue',
      delivery: 'acknowledged',
      async *open({ signal }): AsyncGenerator<SourceBatch> {
        for (const value of Array.from(left)) {
          if (acks === 'eager') left.delete(value)
          yield { records: [{ value }], ack: () => void (acks === 'ack' && left.delete(value)) }
        }
        await untilAborted(signal)
      },
    },
  }
}

describe('the contract of sources', () => {
  const makers = {
    list: (values: readonly string[]) => listSource(values),
    queue: (values: readonly string[]) => queueSource(values, 'ack'),
  }
  const checks = Object.entries(makers).flatMap(([what, make]) =>
    sourceContract({ make }).map(({ name, run }) => [what, name, run] as const),
  )
  it.each(checks)('holds for a %s: %s', async (_what, _name, run) => {
    await expect(run()).resolves.toBeUndefined()
  })

  it.each<[string, (values: readonly string[]) => ContractSource, RegExp]>([
    ['skips what is behind its positions', (values) => listSource(values, 1), /gave 20 of 21 records within/],
    ['forgets what was not acknowledged', (values) => queueSource(values, 'eager'), /the second time|of 25 records/],
    ['gives again what was', (values) => queueSource(values, 'deaf'), /behind \["value 0"\]/],
    ['does not end', (values) => endless(values), /did not end when its signal was aborted within 50 ms/],
    ['gives less', (values) => listSource(values.slice(1)), /of 25 records/],
  ])('finds a connector that %s', async (_what, make, says) => {
    const found: string[] = []
    for (const { run } of sourceContract({ make, patienceMs: 50 }))
      await run().catch((error: unknown) => found.push((error as Error).message))
    expect(found.join('\n')).toMatch(says)
  })
})

function endless(values: readonly string[]): ContractSource {
  return {
    text,
    connector: {
      kind: 'endless',
      delivery: 'volatile',
      async *open(): AsyncGenerator<SourceBatch> {
        yield { records: values.map((value) => ({ value })) }
        await new Promise(() => undefined)
      },
    },
  }
}

it.each<[string, object, RegExp]>([
  [
    'a connector in the place of make',
    { make: listSource([]) },
    /sourceContract: make is an object; give a function that sets up/,
  ],
  ['what there is not', { make: listSource, patience: 1 }, /no option 'patience'/],
  ['patience without an end', { make: listSource, patienceMs: Infinity }, /patienceMs is a number \(Infinity\)/],
])('does not take %s', (_what, options, says) => {
  expect(() => sourceContract(options as SourceContractOptions)).toThrow(says)
})
