import { describing, stderrLogger, type Logger } from './logger.js'

/** What is written to stderr meanwhile, line by line. */
function written(act: () => void): Record<string, unknown>[] {
  const lines: string[] = []
  const write = jest.spyOn(process.stderr, 'write').mockImplementation((line) => lines.push(String(line)) > 0)
  try {
    act()
  } finally {
    write.mockRestore()
  }
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('the default logger', () => {
  it('writes warnings and errors, each with its time', () => {
    const before = Date.now()
    const lines = written(() => {
      stderrLogger.debug({}, 'debug')
      stderrLogger.info({}, 'info')
      stderrLogger.warn({ topic: 'orders', offset: 5n }, 'warn')
      stderrLogger.error({}, 'error')
    })
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(lines).toEqual([
      { time, level: 'warn', message: 'warn', topic: 'orders', offset: '5' },
      { time, level: 'error', message: 'error' },
    ])
    expect(Date.parse(lines[0]?.time as string)).toBeGreaterThanOrEqual(before)
  })

  it('writes errors with their stacks and causes, wherever they are', () => {
    const error = new TypeError('no', { cause: new Error('disk') })
    const [line] = written(() => stderrLogger.error({ err: error, more: [error] }, 'failed'))
    const described = {
      type: 'TypeError',
      message: 'no',
      stack: expect.stringContaining('logger.test'),
      cause: expect.objectContaining({ message: 'disk' }),
    }
    expect(line).toMatchObject({ err: described, more: [described] })
  })

  it('writes what it can of fields that have no JSON form', () => {
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    const [line] = written(() => stderrLogger.warn({ topic: 'orders', cycle, none: () => 1 }, 'odd'))
    expect(line).toMatchObject({ message: 'odd', topic: 'orders', cycle: 'it has no JSON form' })
  })
})

describe('a logger that is told of errors', () => {
  it('gets them as plain data in the field err, and all else as it is', () => {
    const told: object[] = []
    const note = (fields: object): void => void told.push(fields)
    const logger: Logger = describing({ debug: note, info: note, warn: note, error: note })
    const error = new Error('x')
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level]({ err: error, error })
    expect(told).toHaveLength(4)
    expect(JSON.stringify(told[0])).toBe(JSON.stringify(told[3]))
    for (const fields of told) {
      expect(fields).toMatchObject({ err: { type: 'Error', message: 'x' }, error })
      expect((fields as { err: unknown }).err).not.toBeInstanceOf(Error)
    }
  })
})
