import { z } from 'zod'
import { Instance } from '../../../test/instances.js'
import { readRaw } from '../../../test/raw-records.js'
import { refusingLog, type Appended } from '../../../test/refusing-log.js'
import { replayDeadLetters } from '../../app/replay.js'
import { text } from '../../codec/codec.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { session, tumbling } from '../../model/window.js'
import { drained } from '../../runtime/drain.js'

const lines = topic('lines', z.object({ key: z.string(), at: z.number() }), { timestamp: ({ at }) => at })
const closed = topic('closed', text())

type State = { n: number }
const merge = (a: State, b: State): State => ({ n: a.n + b.n })
const windows = { tumbling: tumbling(1_000), session: session<State>(1_000, { merge }) }

const textOf = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString()

describe.each(['tumbling', 'session'] as const)('a window whose closing a broker refuses: %s', (name) => {
  const kind = stateObject('o', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }), window: windows[name] })
    .on(lines, { key: ({ key }) => key }, (state) => void state.n++)
    .onClose(({ n }, turn) => turn.emit(closed, `${turn.key} ${n}`))

  async function run(log: MemoryLog, refuses: (record: Appended) => boolean): Promise<void> {
    const wrap = (port: Parameters<typeof refusingLog>[0]): ReturnType<typeof refusingLog> => refusingLog(port, refuses)
    const { engine } = new Instance({ app: 'app', log, objects: [kind], wrap })
    await engine.start()
    await drained(engine)
    await engine.stop(1_000)
  }

  const outputs = async (log: MemoryLog): Promise<readonly string[]> =>
    (await readRaw(log, 'closed')).map(({ value }) => textOf(value)).sort()

  it.each([
    ['with its letter', false],
    ['with its letter briefly, since that is refused too', true],
  ])('is found among others, which are closed: %s', async (_what, isBrief) => {
    const log = memoryLog({ partitions: 1 })
    const keys = ['a', 'b', 'c', 'd', 'e']
    await log.send(
      lines,
      keys.map((key) => ({ key, at: 0 })),
    )
    await log.send(lines, [{ key: 'later', at: 5_000 }])
    const isOfC = ({ topic: to, value, key }: Appended): boolean =>
      (to === 'closed' && value?.startsWith('c ') === true) ||
      (isBrief && to === 'app-dlq' && key?.startsWith('c') === true)
    await run(log, isOfC)
    const others = ['a 1', 'b 1', 'd 1', 'e 1']
    expect(await outputs(log)).toEqual(others)
    expect(await readRaw(log, 'app-dlq')).toHaveLength(1)
    const { replayed } = await replayDeadLetters({ id: 'app', log })
    expect(replayed).toBe(isBrief ? 0 : 1)
    // Without a letter to replay it is closed when the app starts again, as long as there is nobody who refuses that.
    await run(log, () => false)
    expect(await outputs(log)).toEqual([...others, 'c 1'].sort())
  })
})
