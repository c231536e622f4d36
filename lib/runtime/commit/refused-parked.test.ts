import { Instance } from '../../../test/instances.js'
import { readAll } from '../../../test/reading.js'
import { emits, key, lines, notes, out, poisonFor, valuesOf } from '../../../test/refused-world.js'
import { refusingLog } from '../../../test/refusing-log.js'
import { text } from '../../codec/codec.js'
import { systemClock } from '../../core/clock.js'
import { memoryLog } from '../../memory/memory-log.js'
import { topic } from '../../model/stream.js'
import { drained } from '../drain.js'

const deadLetters = topic('app-dlq', text())

/** Turns of `a` end when `let go` comes. */
class World {
  readonly log = memoryLog({ partitions: 1 })
  readonly instance: Instance
  #letGo: () => void = () => undefined
  readonly #gate = new Promise<void>((resolve) => (this.#letGo = resolve))

  constructor() {
    const kind = notes(async (state, line, turn) => {
      if (line === 'b let go') this.#letGo()
      if (key(line) === 'a') await this.#gate
      await emits(state, line, turn)
    })
    const wrap = (port: Parameters<typeof refusingLog>[0]) => refusingLog(port, poisonFor('out'))
    this.instance = new Instance({ app: 'app', log: this.log, objects: [kind], wrap })
  }

  async begin(input: readonly string[]): Promise<void> {
    await this.log.admin.create([{ name: out.name, partitions: 1, replicationFactor: -1, configs: {} }])
    await this.log.send(lines, input, { key })
    await this.instance.engine.start()
    const end = Date.now() + 4_000
    while (Date.now() < end && !this.#isParked) await systemClock.sleep(1)
  }

  /** The turns that were begun are in rows. */
  get #isParked(): boolean {
    const { cycle, passage } = this.instance.engine.parts
    const { flights } = passage.turns
    return !flights.idle && flights.loose.length === 0 && !cycle.sending
  }

  async isOut(count: number): Promise<void> {
    const end = Date.now() + 4_000
    while (Date.now() < end && (await readAll(this.log, out)).length < count) await systemClock.sleep(1)
  }

  letGo(): void {
    this.#letGo()
  }

  async end(): Promise<{ readonly out: readonly unknown[]; readonly letters: readonly unknown[] }> {
    try {
      await drained(this.instance.engine)
      if (this.instance.failure !== undefined) throw this.instance.failure.error
      return {
        out: valuesOf(await readAll(this.log, out)),
        letters: valuesOf(await readAll(this.log, deadLetters)),
      }
    } finally {
      await this.instance.engine.stop(1_000)
    }
  }
}

describe('what a turn did that no commit waited for, when a broker refuses it,', () => {
  it('does not stop the app, although nothing else is in that commit', async () => {
    const world = new World()
    await world.begin(['a poison'])
    await world.log.send(lines, ['b first'], { key })
    await world.isOut(1)
    world.letGo()
    expect(await world.end()).toEqual({ out: ['b first'], letters: ['a poison'] })
  })

  it('is not blamed on the one record that was read meanwhile', async () => {
    const world = new World()
    await world.begin(['a poison'])
    await world.log.send(lines, ['b let go'], { key })
    const { out: values, letters } = await world.end()
    expect(letters).toEqual(['a poison'])
    expect(values).toEqual(['b let go'])
  })
})
