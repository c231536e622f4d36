import { systemClock } from '../../lib/core/clock.js'
import { silentLogger } from '../../lib/core/logger.js'
import type { TopicPartition } from '../../lib/core/record.js'
import { Channel } from '../../lib/kafka/connection/channel.js'
import { resolveOptions } from '../../lib/kafka/connection/options.js'
import type { Api } from '../../lib/kafka/protocol/api.js'
import { type CoordinatorKind, findCoordinator, metadata } from '../../lib/kafka/protocol/metadata.js'
import { listTransactions } from '../../lib/kafka/protocol/open-transactions.js'
import { Reach } from '../../lib/kafka/connection/reach.js'

/** Who does what in a cluster, asked through a connection of its own, and leaders moved on request. */
export class ClusterRoles implements Disposable {
  readonly #channel: Channel

  constructor(brokers: readonly string[]) {
    const connection = resolveOptions({ brokers })
    const reach = new Reach(systemClock)
    this.#channel = new Channel({
      purpose: 'cluster roles',
      connection,
      clock: systemClock,
      logger: silentLogger,
      reach,
    })
  }

  /** The broker that coordinates a group or a transactional id. */
  async coordinator(kind: CoordinatorKind, key: string): Promise<number> {
    const { nodeId } = await this.#channel.insist('FindCoordinator', () =>
      this.#channel.askAny(findCoordinator, { kind, key }),
    )
    return nodeId
  }

  /** Transactional ids that have been used, each with its coordinator. */
  async transactions(prefix: string): Promise<ReadonlyMap<string, number>> {
    return await this.#channel.insist('ListTransactions', async () => {
      await this.#channel.refresh()
      const asked = [...this.#channel.map.nodes.keys()].map(async (node) => {
        const { transactions } = await this.#channel.request(node, listTransactions, { states: [] })
        return transactions.filter(({ id }) => id.startsWith(prefix)).map(({ id }) => [id, node] as const)
      })
      return new Map((await Promise.all(asked)).flat())
    })
  }

  async leader(at: TopicPartition): Promise<number> {
    return await this.#channel.insist('leader', async () => {
      await this.#channel.refresh()
      return await this.#channel.leader(at)
    })
  }

  /** The brokers that know a topic. */
  async knowing(topic: string): Promise<number[]> {
    await this.#channel.insist('brokers', () => this.#channel.refresh())
    const asked = [...this.#channel.map.nodes.keys()].map(async (node) => {
      const { topics } = await this.#channel.request(node, metadata, { topics: [topic] })
      return topics.some(({ errorCode }) => errorCode === 0) ? [node] : []
    })
    return (await Promise.all(asked)).flat().sort((a, b) => a - b)
  }

  /**
   * Makes the first replica of every partition its leader, those of `__consumer_offsets` and `__transaction_state`
   * included, and with them the coordinators. Resolves to how many moved.
   */
  async moveToPreferred(): Promise<number> {
    const answer = await this.#channel.insist('ElectLeaders', () =>
      this.#channel.askAny(electLeaders, { timeoutMs: 10_000 }),
    )
    return answer.moved
  }

  [Symbol.dispose](): void {
    this.#channel.close()
  }
}

/** Of all partitions. Source: https://kafka.apache.org/protocol.html#The_Messages_ElectLeaders (KIP-460) */
const electLeaders: Api<{ readonly timeoutMs: number }, { readonly errorCode: number; readonly moved: number }> = {
  key: 43,
  name: 'ElectLeaders',
  lowest: 2,
  highest: 2,
  flexibleFrom: 2,
  encode(writer, { timeoutMs }) {
    writer.int8(0) // preferred, not unclean
    writer.array(null, () => undefined) // all partitions
    writer.int32(timeoutMs).end()
  },
  decode(reader) {
    reader.throttle()
    const errorCode = reader.int16()
    let moved = 0
    reader.array(() => {
      reader.string() // topic
      reader.array(() => {
        reader.int32() // partition
        if (reader.int16() === 0) moved++
        reader.nullableString() // error_message
        reader.end()
      })
      reader.end()
    })
    return { errorCode, moved }
  },
}
