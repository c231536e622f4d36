import { logContract } from '../testing/log-contract.js'
import { memoryLog } from './memory-log.js'

logContract('the embedded log', async () => {
  const log = memoryLog()
  let names = 0
  return {
    log,
    open: async () => log.open(),
    name: (prefix) => `${prefix}-${++names}`,
    deleteTopic: (topic) => log.deleteTopic(topic),
    compact: (topic) => log.compact(topic),
    close: async () => log[Symbol.asyncDispose](),
  }
})
