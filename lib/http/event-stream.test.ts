import { HttpError } from './http-error.js'
import { eventStream, type StreamEvent } from './event-stream.js'

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes)

/** What is read of a stream, part by part. */
function reading(answer: Response): { next(): Promise<string | undefined>; cancel(): Promise<void> } {
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
  return {
    next: async () => {
      const { done, value } = await reader.read()
      return done ? undefined : text(value)
    },
    cancel: () => reader.cancel(),
  }
}

const never = new AbortController().signal

describe('a stream of events', () => {
  it('sends each as JSON in one line, with its name and where to go on, and ends with them', async () => {
    async function* events(): AsyncGenerator<StreamEvent> {
      yield { id: '7', event: 'change', data: { text: 'two\nlines' } }
      yield { data: undefined }
      yield { id: 'a\r\nevent: forged', data: 1 }
    }
    expect(await eventStream({ signal: never }, events()).text()).toBe(
      ':\n\nid: 7\nevent: change\ndata: {"text":"two\\nlines"}\n\ndata: null\n\nid: a  event: forged\ndata: 1\n\n',
    )
  })

  it('takes one when the one before it has been read, and no more', async () => {
    let made = 0
    async function* events(): AsyncGenerator<StreamEvent> {
      for (;;) yield { data: ++made }
    }
    const stream = reading(eventStream({ signal: never }, events()))
    expect(await stream.next()).toBe(':\n\n')
    expect(made).toBe(0)
    expect(await stream.next()).toBe('data: 1\n\n')
    expect(made).toBe(1)
    await stream.cancel()
  })

  it('says that it is alive while there is nothing to say', async () => {
    let give: (event: IteratorResult<StreamEvent>) => void = () => undefined
    const events = { next: () => new Promise<IteratorResult<StreamEvent>>((resolve) => (give = resolve)) }
    const stream = reading(eventStream({ signal: never }, { [Symbol.asyncIterator]: () => events }, { beatMs: 1 }))
    expect([await stream.next(), await stream.next(), await stream.next()]).toEqual([':\n\n', ':\n\n', ':\n\n'])
    give({ done: false, value: { data: 'late' } })
    let next = await stream.next()
    while (next === ':\n\n') next = await stream.next()
    expect(next).toBe('data: "late"\n\n')
    await stream.cancel()
  })

  it.each(['the client goes', 'the app closes'])('tells the source that it is over when %s', async (how) => {
    const closing = new AbortController()
    let returned = 0
    const events: AsyncIterator<StreamEvent> = {
      next: () => new Promise(() => undefined),
      return: async () => {
        returned++
        return { done: true, value: undefined }
      },
    }
    const stream = reading(eventStream({ signal: closing.signal }, { [Symbol.asyncIterator]: () => events }))
    await stream.next()
    const next = stream.next()
    if (how === 'the client goes') await stream.cancel()
    else closing.abort()
    expect(await next).toBeUndefined()
    expect(returned).toBeGreaterThan(0)
  })

  it('ends with the error of its source, where the client may know it', async () => {
    async function* events(): AsyncGenerator<StreamEvent> {
      yield { data: 1 }
      throw new HttpError(409, 'KEY_ELSEWHERE', 'it has moved', { kind: 'account' })
    }
    expect(await eventStream({ signal: never }, events()).text()).toBe(
      ':\n\ndata: 1\n\nevent: error\ndata: {"error":{"code":"KEY_ELSEWHERE","message":"it has moved","kind":"account"}}\n\n',
    )
  })

  it('breaks off with what is nobody else’s business, so that it is logged and not sent', async () => {
    const broken = new Error('password of the store')
    const events: AsyncIterator<StreamEvent> = { next: () => Promise.reject(broken) }
    const stream = reading(eventStream({ signal: never }, { [Symbol.asyncIterator]: () => events }))
    await stream.next()
    const told = await stream.next()
    expect(told).toMatch(/^event: error\ndata: \{"error":\{"code":"INTERNAL"/)
    expect(told).not.toContain('password')
    await expect(stream.next()).rejects.toBe(broken)
  })

  it('breaks off at what has no JSON form', async () => {
    async function* events(): AsyncGenerator<StreamEvent> {
      yield { data: 1n }
    }
    const stream = reading(eventStream({ signal: never }, events()))
    await stream.next()
    expect(await stream.next()).toContain('INTERNAL')
    await expect(stream.next()).rejects.toThrow(TypeError)
  })
})
