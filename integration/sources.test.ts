import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { kafkaLog, text, topic } from 'millrace'
import { nextName } from './names.js'
import { describeWithKafka } from './setup/with-kafka.js'

const program = join(process.cwd(), 'build', 'integration', 'sources', 'main.js')

/** A process of the app, and what it said last. */
class Member {
  readonly #child: ChildProcess
  #records = 0
  #partitions: readonly string[] = []

  constructor(brokers: readonly string[], app: string) {
    const args = [program, '--brokers', brokers.join(), '--app', app]
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      const said = JSON.parse(line) as { readonly records: number; readonly partitions: readonly string[] }
      this.#records = said.records
      this.#partitions = said.partitions
    })
  }

  /** Resolves when it has so many of the partitions, and has written as many more records as are said. */
  async works(partitions: number, more: number): Promise<void> {
    await this.#until(() => this.#partitions.length === partitions)
    const from = this.#records
    await this.#until(() => this.#records >= from + more)
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.#child.exitCode !== null) throw new Error(`a process has ended with ${this.#child.exitCode}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.kill(signal)) await ended
  }
}

describeWithKafka('a replayable source', (brokers) => {
  it('is in its topic exactly once and in order after kills and rebalances', async () => {
    const app = nextName('sources')
    const lines = topic(`${app}-lines`, text())
    const members: Member[] = []
    const start = (): Member => {
      const member = new Member(brokers, app)
      members.push(member)
      return member
    }
    await using log = kafkaLog({ brokers: [...brokers] })
    try {
      const first = start()
      await first.works(5, 200)
      const second = start()
      await second.works(2, 100)
      await first.works(3, 100)
      await first.end('SIGKILL')
      await second.works(5, 100)
      const third = start()
      await third.works(2, 100)
      await second.end('SIGKILL')
      await third.works(5, 100)
      const fourth = start()
      await fourth.works(2, 50)
      await third.end('SIGTERM')
      await fourth.works(5, 50)

      await fourth.end('SIGTERM')

      const found = new Map<string, number[]>()
      for await (const { key, value } of log.read(lines)) {
        const of = found.get(String(key))
        if (of === undefined) found.set(String(key), [Number(value)])
        else of.push(Number(value))
      }
      expect([...found.keys()].sort()).toEqual(['a', 'b', 'c', 'd', 'e'])
      for (const values of found.values()) expect(values).toEqual(Array.from(values, (_, n) => n))
    } finally {
      await Promise.all(members.map((member) => member.end('SIGKILL')))
    }
  }, 240_000)
})
