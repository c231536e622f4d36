import { faultyLog } from '../../test/faulty-log.js'
import { Instance } from '../../test/instances.js'
import { withAdmin } from '../../test/with-admin.js'
import { app, flows, Sent, words } from '../../test/word-app.js'
import { MillraceError } from '../core/errors.js'
import type { LogPort } from '../log/port.js'
import { memoryLog } from '../memory/memory-log.js'
import { drained } from './drain.js'

const refusal = new MillraceError('BROKER_REFUSED', 'refused, made up')
const value = { word: 'a', lane: 'p', drop: false }

/** An app of which a commit is refused; its log says what `stableCommitted` says from then on. */
async function refused(stableCommitted: (instance: Instance) => Promise<never>): Promise<unknown> {
  const log = memoryLog({ partitions: 1 })
  let broken = false
  const wrap = (port: LogPort): LogPort =>
    withAdmin(
      faultyLog(port, (step) => (broken && step === 'append' ? { error: refusal, done: false } : undefined)),
      { stableCommitted: (...args) => (broken ? stableCommitted(instance) : log.admin.stableCommitted(...args)) },
    )
  const instance: Instance = new Instance({ app, log, objects: [words], flows, wrap })
  const sent = new Sent(log)
  await sent.send([value])
  await instance.engine.start()
  await drained(instance.engine)
  broken = true
  await sent.send([value])
  return drained(instance.engine).catch((error: unknown) => error)
}

describe('waiting until all is done', () => {
  it('ends with what stops the app, though its transaction stays open and offsets are never stable', async () => {
    expect(await refused(() => new Promise(() => undefined))).toBe(refusal)
  })

  it('ends with what stops the app, and not with what its log says that is closed for it', async () => {
    const closed = new MillraceError('APP_CLOSED', 'the log was closed')
    const untilClosed = async (instance: Instance): Promise<never> => {
      while (instance.failure === undefined) await new Promise(setImmediate)
      throw closed
    }
    expect(await refused(untilClosed)).toBe(refusal)
  })
})
