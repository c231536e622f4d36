import { Code } from '../connection/error-codes.js'
import { worstOf } from './offset-answers.js'

const answer = (...codes: number[]): { topic: string; partition: number; errorCode: number }[] =>
  codes.map((errorCode, partition) => ({ topic: 't', partition, errorCode }))

describe('the code of an answer about many partitions', () => {
  it('is what may pass when the others were not attempted because of it', () => {
    const { operationNotAttempted, unknownTopicOrPartition } = Code
    const codes = [operationNotAttempted, unknownTopicOrPartition, operationNotAttempted]
    expect(worstOf(answer(...codes))).toBe(unknownTopicOrPartition)
    expect(worstOf(answer(...codes.toReversed()))).toBe(unknownTopicOrPartition)
  })

  it('is the definite one when another may pass', () => {
    const { notLeader, illegalGeneration, none } = Code
    expect(worstOf(answer(none, notLeader, illegalGeneration))).toBe(illegalGeneration)
    expect(worstOf(answer(illegalGeneration, notLeader))).toBe(illegalGeneration)
  })

  it('is the first of several definite ones', () => {
    expect(worstOf(answer(Code.unknownMember, Code.illegalGeneration))).toBe(Code.unknownMember)
  })

  it('is none when all went well', () => {
    expect(worstOf(answer(Code.none, Code.none))).toBe(Code.none)
    expect(worstOf([])).toBe(Code.none)
  })
})
