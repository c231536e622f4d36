import {
  SinkRefused,
  sinkContract,
  type SinkConnector,
  type SinkContractOptions,
  type SinkPartition,
} from 'millrace/connect'

/** A target in memory, right or with one mistake. */
class Memory {
  readonly rows: string[] = []
  readonly offsets = new Map<number, number>()
  readonly prepared = new Map<string, readonly string[]>()

  connector(open: (partition: number, memory: Memory) => SinkPartition<string>): SinkConnector<string> {
    return { kind: 'memory', open: ({ partition }) => open(partition, this) }
  }
}

type Open = (partition: number, memory: Memory) => SinkPartition<string>

const demandTaken = (records: readonly { value: string | null; offset: number }[]): readonly string[] => {
  const refused = records.filter(({ value }) => value === 'bad')
  if (refused.length > 0) throw new SinkRefused(new Map(refused.map(({ offset }) => [offset, 'bad'])))
  return records.map(({ value }) => value!)
}

const plain: Open = (_, { rows }) => ({ write: ({ records }) => void rows.push(...demandTaken(records)) })

const keeping =
  ({ fences = true, keeps = true } = {}): Open =>
  (partition, { rows, offsets }) => {
    let next = offsets.get(partition) ?? 0
    return {
      offset: next,
      write({ records, nextOffset }) {
        if (fences && (offsets.get(partition) ?? 0) !== next) throw new Error('overtaken')
        rows.push(...demandTaken(records))
        if (keeps) offsets.set(partition, (next = nextOffset))
      },
    }
  }

const twoPhases =
  ({ hides = true, remembers = true } = {}): Open =>
  (_, { rows, prepared }) => ({
    twoPhase: {
      prepare: async (id, { records }) => {
        prepared.set(id, demandTaken(records))
        if (!hides) rows.push(...demandTaken(records))
      },
      commit: async (id) => {
        rows.push(...(hides ? (prepared.get(id) ?? []) : []))
        prepared.delete(id)
      },
      abort: async (id) => void prepared.delete(id),
      pending: async () => (remembers ? [...prepared.keys()] : []),
    },
  })

async function complaints(open: Open): Promise<readonly string[]> {
  const memory = new Memory()
  const checks = sinkContract<string>({
    connector: () => memory.connector(open),
    value: (n) => `value ${n}`,
    count: (value) => memory.rows.filter((row) => row === value).length,
    refused: 'bad',
  })
  const found: string[] = []
  for (const { name, run } of checks) await run().catch((error: Error) => found.push(`${name}: ${error.message}`))
  return found
}

it.each<[string, Open]>([
  ['writes', plain],
  ['keeps the offset', keeping()],
  ['commits in two phases', twoPhases()],
])('has nothing to say of a connector that %s as it should', async (_, open) => {
  expect(await complaints(open)).toEqual([])
})

it.each<[string, Open, RegExp]>([
  [
    'writes nothing',
    () => ({ write: () => undefined }),
    /has a batch once write has resolved: after write the target has "value 0" 0 times/,
  ],
  [
    'refuses all for one',
    (_, { rows }) => ({
      write: ({ records }) => {
        if (records.some(({ value }) => value === 'bad')) throw new Error('bad')
        rows.push(...records.map(({ value }) => value!))
      },
    }),
    /rejected with bad for offsets none/,
  ],
  [
    'takes what it refuses',
    (_, { rows }) => ({ write: ({ records }) => void rows.push(...records.map(({ value }) => value!)) }),
    /it resolved/,
  ],
  ['does not keep its offset', keeping({ keeps: false }), /it must open at 7, not 0/],
  ['does not fence', keeping({ fences: false }), /must be refused to who opened before, and write has resolved/],
  ['shows what is prepared', twoPhases({ hides: false }), /after prepare the target has/],
  ['forgets what is prepared', twoPhases({ remembers: false }), /pending must name .*; it gave nothing/],
])('says what is wrong with a connector that %s', async (_, open, says) => {
  expect((await complaints(open)).join('\n')).toMatch(says)
})

it.each<[string, object, RegExp]>([
  [
    'a connector itself',
    { connector: { kind: 'x', open: () => ({}) }, value: () => 1, count: () => 1 },
    /sinkContract: connector is an object; give a function that gives your connector, \(\) => yourSink\(…\)/,
  ],
  ['no count', { connector: () => ({}), value: () => 1 }, /count is missing/],
  ['what there is not', { connector: () => ({}), value: () => 1, count: () => 1, values: [] }, /no option 'values'/],
])('does not take %s', (_what, options, says) => {
  expect(() => sinkContract(options as SinkContractOptions<unknown>)).toThrow(says)
})
