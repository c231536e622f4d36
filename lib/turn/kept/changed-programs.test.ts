import { z } from 'zod'
import { silentLogger } from '../../core/logger.js'
import { Instance } from '../../../test/instances.js'
import { readRaw, type FoundRecord } from '../../../test/raw-records.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { stateObject } from '../../model/state-object.js'
import { topic, type Stream } from '../../model/stream.js'
import { replayDeadLetters } from '../../app/replay.js'
import { drained } from '../../runtime/drain.js'

const list = z.object({ items: z.array(z.string()) })
const lists = topic('lists', list)
const others = topic('others', list)
const done = topic('done', z.string())

interface World {
  readonly fails: boolean
  readonly from: Stream<string>
}

/** Each item is a turn of an object of its own. */
function item({ from, fails }: World) {
  return stateObject('item', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
    from,
    { key: (value) => value.slice(0, 1), onError: { attempts: 1 } },
    (state, value, turn) => {
      state.n++
      if (fails) throw new Error('fails')
      turn.emit(done, value)
    },
  )
}

const items = lists.flatMap((value) => value.items)

async function run(log: MemoryLog, world: World): Promise<void> {
  const { engine } = new Instance({ app: 'app', log, objects: [item(world)], logger: silentLogger })
  await engine.start()
  await drained(engine)
  await engine.stop(1_000)
}

const textOf = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString()
const header = ({ headers }: FoundRecord, name: string): string =>
  textOf(headers.find(([each]) => textOf(each) === `millrace.${name}`)?.[1])

/** Two items fail, under the program as it was; then another one runs, to which their letters are replayed. */
async function replayedTo(from: Stream<string>): Promise<{ done: string[]; letters: string[] }> {
  const log = memoryLog({ partitions: 2 })
  await log.send(lists, [{ items: ['a1', 'b1'] }])
  await run(log, { from: items, fails: true })
  expect(await replayDeadLetters({ id: 'app', log })).toMatchObject({ replayed: 2 })
  await run(log, { from, fails: false })
  const letters = (await readRaw(log, 'app-dlq')).slice(2)
  return {
    done: (await readRaw(log, 'done')).map(({ value }) => JSON.parse(textOf(value)) as string).sort(),
    letters: letters.map((letter) => `${header(letter, 'error.code')} ${header(letter, 'error.message')}`).sort(),
  }
}

describe('a record that waited while the program changed', () => {
  it('has its turn with the value that the steps make now', async () => {
    const repaired = lists.flatMap((value) => value.items.map((each) => `${each} repaired`))
    expect(await replayedTo(repaired)).toEqual({ done: ['a1 repaired', 'b1 repaired'], letters: [] })
  })

  it('is a dead letter when its steps do not give that value any more', async () => {
    const fewer = lists.flatMap((value) => value.items.slice(0, 1))
    const { done: given, letters } = await replayedTo(fewer)
    expect(given).toEqual(['a1'])
    expect(letters).toEqual([
      expect.stringMatching(/^STEP_FAILED lists\[\d\]@0: item 'b' .*its value 1 .* gave 1 values\./),
    ])
  })

  it('is a dead letter when its steps fail, or its bytes are refused', async () => {
    const failing = lists.flatMap((): string[] => {
      throw new Error('not any more')
    })
    expect((await replayedTo(failing)).letters).toEqual([
      expect.stringMatching(/^STEP_FAILED .*not any more/),
      expect.stringMatching(/^STEP_FAILED .*not any more/),
    ])
    const strict = topic('lists', z.object({ items: z.array(z.string()), more: z.string() }))
    expect((await replayedTo(strict.flatMap((value) => value.items))).letters).toEqual([
      expect.stringMatching(/^VALUE_INVALID .*more/),
      expect.stringMatching(/^VALUE_INVALID .*more/),
    ])
  })

  it('is a dead letter when its input does not read its topic any more, or is gone', async () => {
    const gone = others.flatMap((value) => value.items)
    expect((await replayedTo(gone)).letters).toEqual([
      expect.stringMatching(/^VALUE_INVALID .*input 'lists#0'.* no longer has/),
      expect.stringMatching(/^VALUE_INVALID .*input 'lists#0'.* no longer has/),
    ])
  })

  it('keeps its place among the letters of its object, which are free again when all have had their turn', async () => {
    const log = memoryLog({ partitions: 2 })
    await log.send(lists, [{ items: ['a1', 'a2', 'a3'] }])
    await run(log, { from: items, fails: true })
    const fewer = lists.flatMap((value) => value.items.slice(0, 2))
    await replayDeadLetters({ id: 'app', log })
    await run(log, { from: fewer, fails: false })
    const numbers = (await readRaw(log, 'app-dlq')).map((letter) => header(letter, 'letter'))
    expect(numbers).toEqual(['1', '2', '3', '3'])
    await replayDeadLetters({ id: 'app', log })
    await run(log, { from: items, fails: false })
    await log.send(lists, [{ items: ['a4'] }])
    await run(log, { from: items, fails: false })
    const given = (await readRaw(log, 'done')).map(({ value }) => textOf(value))
    expect(given).toEqual(['"a1"', '"a2"', '"a3"', '"a4"'])
  })
})
