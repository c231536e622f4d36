import { z } from 'zod'
import type { Appended } from '../../../test/refusing-log.js'
import { text } from '../../codec/codec.js'
import { memoryLog } from '../../memory/memory-log.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { tumbling } from '../../model/window.js'
import { emits, good, input, key, notes, poisonFor, run, shape } from '../../../test/refused-world.js'

describe('when the dead letter is refused too', () => {
  const toDlq = ({ topic: name, value }: Appended): boolean => name === 'app-dlq' && value !== null

  it('a record has one that says where it is, and what it was refused for', async () => {
    const refuses = (record: Appended): boolean => poisonFor('out')(record) || toDlq(record)
    const ran = await run(input, { objects: [notes(emits)], refuses })
    expect(ran.out).toEqual(good(input))
    expect(ran.letters.map((letter) => [letter.key, letter.value])).toEqual(
      [0, 17, 18, 119].map((offset) => [`lines[0]@${offset}`, null]),
    )
    expect(ran.letters[1]?.headers).toMatchObject({
      'millrace.error.code': 'RECORDS_REFUSED',
      'millrace.source.topic': 'lines',
      'millrace.source.offset': '17',
    })
    expect(ran.warnings.filter((warning) => warning.includes('whose dead letter is refused as well'))).toHaveLength(4)
  })

  it('a turn has one as well, and its object is not in quarantine for what cannot be replayed', async () => {
    const refuses = (record: Appended): boolean => poisonFor('out')(record) || toDlq(record)
    const ran = await run(input, { objects: [notes(emits, { route: 'shuffle' })], refuses })
    expect(ran.out).toEqual(good(input))
    expect(ran.letters.map(({ headers }) => headers['millrace.source.offset'])).toEqual(['0', '17', '18', '119'])
  })

  it('a record that cannot be read has one', async () => {
    const numbers = topic('lines', z.number())
    const kind = stateObject('notes', shape).on(numbers, { key: String }, () => undefined)
    const ran = await run(['a', '1', 'b'], { objects: [kind as never], refuses: toDlq })
    expect(ran.letters.map((letter) => [letter.key, letter.value])).toEqual([
      ['lines[0]@0', null],
      ['lines[0]@2', null],
    ])
    expect(ran.letters[0]?.headers['millrace.error.code']).toBe('RECORDS_REFUSED')
  })

  it.each(['auto', 'shuffle'] as const)('a record that is late for its windows has one: route %s', async (route) => {
    const hours = topic('lines', text(), { timestamp: (line) => Number(line.split(' ')[1]) * 3_600_000 })
    const timed = stateObject('notes', { ...shape, window: tumbling('1h') }).on(
      hours,
      { key, route },
      (state, line) => {
        state.seen.push(line)
      },
    )
    const log = memoryLog({ partitions: 1 })
    await run(['a 9', 'a 10'], { log, objects: [timed as never], refuses: toDlq })
    const ran = await run(['a 1', 'a 11'], { log, objects: [timed as never], refuses: toDlq })
    expect(ran.letters.map((letter) => [letter.key, letter.value])).toEqual([['lines[0]@2', null]])
  })

  it('and even that is, the app stops with a sentence that names the topic to look at', async () => {
    const refuses = (record: Appended): boolean => poisonFor('out')(record) || record.topic === 'app-dlq'
    const error: unknown = await run(input, { objects: [notes(emits)], refuses }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'RECORDS_REFUSED', topic: 'app-dlq' })
    expect((error as Error).message).toMatch(/lines\[0\]@0, .*Look at the limits of app-dlq/)
  })
})
