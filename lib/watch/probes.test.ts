import { z } from 'zod'
import { answering } from '../../test/http/answering.js'
import { Instance } from '../../test/instances.js'
import { text } from '../codec/codec.js'
import type { HttpHandler } from '../http/route.js'
import type { LogPort } from '../log/port.js'
import { memoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { probeRoutes } from './probes.js'

const words = topic('words', text())
const counter = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  words,
  (word) => word,
  (state) => void state.n++,
)

/** Restores wait for it, as those of large states last. */
interface Gate {
  opened: Promise<void>
}

function slowRestores(log: LogPort, gate: Gate): LogPort {
  return new Proxy(log, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (name !== 'fetcher') return typeof member === 'function' ? (member.bind(target) as unknown) : member
      return (options: Parameters<LogPort['fetcher']>[0]) => {
        const fetcher = target.fetcher(options)
        if (options.purpose !== 'restore') return fetcher
        const next = fetcher.next.bind(fetcher)
        return Object.assign(fetcher, {
          next: async (signal: AbortSignal) => {
            await gate.opened
            return next(signal)
          },
        })
      }
    },
  })
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

interface Probed {
  readonly status: number
  readonly state: string
}

async function probe(handler: HttpHandler): Promise<Probed> {
  const answer = await handler(new Request('http://localhost/readyz'))
  const { state } = (await answer.json()) as { readonly state: string }
  return { status: answer.status, state }
}

describe('two instances of an app', () => {
  it.each(['is killed', 'is stopped'])('always have one that is ready, while one of them %s', async (how) => {
    const log = memoryLog({ partitions: 4 })
    await log.send(words, ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
    const gate: Gate = { opened: Promise.resolve() }
    const gone = new Instance({ log, objects: [counter] })
    const stays = new Instance({ log, objects: [counter], wrap: (port) => slowRestores(port, gate) })
    const handlerOf = ({ engine }: Instance): HttpHandler => answering(probeRoutes(() => engine.health)).handler
    const [one, other] = [handlerOf(gone), handlerOf(stays)]
    let isDead = false
    const seen: (readonly [Probed, Probed])[] = []
    const look = async (fits: (one: Probed, other: Probed) => boolean): Promise<void> => {
      for (;;) {
        const first = isDead ? { status: 0, state: 'dead' } : await probe(one)
        const both = [first, await probe(other)] as const
        seen.push(both)
        if (fits(...both)) return
        await turn()
      }
    }
    await gone.engine.start()
    await Promise.all([stays.engine.start(), look((_, { status }) => status === 200)])
    await look(() => stays.engine.parts.tasks.running.size === 2 && gone.engine.parts.tasks.running.size === 2)

    // It has to take over what the other one has, and that takes its time.
    let open: () => void = () => undefined
    gate.opened = new Promise((resolve) => (open = resolve))
    if (how === 'is killed') {
      isDead = true
      await gone.kill()
      await gone.bury()
    } else await Promise.all([gone.engine.stop(1_000), look(({ state }) => state === 'closed')])
    await look((_, { state }) => state === 'restoring')
    for (let i = 0; i < 20; i++) await look(() => true)
    open()
    await look((_, { state }) => state === 'running')
    const all = stays.engine.parts.tasks.running.size
    await stays.engine.stop(1_000)

    expect(seen.filter((both) => both.every(({ status }) => status !== 200))).toEqual([])
    expect(all).toBe(4)
    expect(seen.map(([, { status, state }]) => `${state}: ${status}`)).toContain('restoring: 200')
  })
})
