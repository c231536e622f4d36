/**
 * What every log must do, as tests: the embedded log and Kafka both run it. Written against `LogPort` only.
 */
import { appendingContract } from './log-contract/appending.js'
import type { ContractLog } from './log-contract/contract-log.js'
import { fencingContract } from './log-contract/fencing.js'
import { fetchingContract } from './log-contract/fetching.js'
import { generationContract } from './log-contract/generations.js'
import { groupContract } from './log-contract/groups.js'
import { isolationContract } from './log-contract/isolation.js'
import { offsetsContract } from './log-contract/offsets.js'
import { positionContract } from './log-contract/positions.js'
import { refusalContract } from './log-contract/refusals.js'
import { scheduleContract } from './log-contract/schedules.js'
import { staticMemberContract } from './log-contract/static-members.js'
import { topicContract } from './log-contract/topics.js'
import { transactionContract } from './log-contract/transactions.js'

export type { ContractLog } from './log-contract/contract-log.js'

export interface LogContractOptions {
  /** Of one test: a broker that is busy with something else may take long. @default 60_000 */
  readonly timeoutMs?: number
}

/** Runs the contract in a `describe` of its own, all of it against one log made by `factory`. */
export function logContract(
  name: string,
  factory: () => Promise<ContractLog>,
  { timeoutMs = 60_000 }: LogContractOptions = {},
): void {
  describe(`${name} keeps the contract of a log:`, () => {
    jest.setTimeout(timeoutMs)
    let made: ContractLog | undefined
    const world = (): ContractLog => {
      if (made === undefined) throw new Error(`${name}: the factory has not made a log`)
      return made
    }
    beforeAll(async () => {
      made = await factory()
    })
    afterAll(async () => {
      await made?.close()
    })
    topicContract(world)
    appendingContract(world)
    isolationContract(world)
    transactionContract(world)
    refusalContract(world)
    scheduleContract(world)
    fencingContract(world)
    offsetsContract(world)
    generationContract(world)
    positionContract(world)
    fetchingContract(world)
    groupContract(world)
    staticMemberContract(world)
  })
}
