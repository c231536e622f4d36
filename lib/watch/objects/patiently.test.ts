import { HeldClock } from '../../../test/http/answering.js'
import { withAdmin } from '../../../test/with-admin.js'
import { memoryLog } from '../../memory/memory-log.js'
import { Letters } from './letters.js'

describe('dead letters, while brokers do not answer', () => {
  it.each(['page', 'detail'] as const)('are not waited for for ever: %s', async (what) => {
    await using log = memoryLog()
    const away = withAdmin(log, { describe: () => new Promise<never>(() => undefined) })
    const held = new HeldClock()
    const letters = new Letters(away, 'app', 'app-dead-letters', () => Promise.resolve([]), held.clock)
    const { signal } = new AbortController()
    const asked = what === 'page' ? letters.page({ limit: 5 }, signal) : letters.detail(0, 0, signal)
    asked.catch(() => undefined)
    await held.asleep(20_000)
    held.wake(20_000)
    await expect(asked).rejects.toMatchObject({ code: 'READ_TIMEOUT', status: 504 })
  })

  it('tell what else is wrong as it is, and nobody sleeps on', async () => {
    await using log = memoryLog()
    const letters = new Letters(log, 'app', 'app-dead-letters', () => Promise.resolve([]), new HeldClock().clock)
    const { signal } = new AbortController()
    expect(await letters.page({ limit: 5 }, signal)).toMatchObject({ letters: [] })
    await expect(letters.detail(0, 0, signal)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
  })
})
