/**
 * What every store folder does. A suite to call from a test file: it uses jest's globals and is left out of the package.
 */
import fc from 'fast-check'
import type { Store, StoreFolder } from './store.js'

const sync = false
const live = { purpose: 'live' } as const
/** Above every key that these tests write. */
const end = '\u{10ffff}\u{10ffff}'

/** `make` gives an empty folder and a way to remove what it left. */
export function storeContract(
  name: string,
  make: () => Promise<{ readonly folder: StoreFolder; readonly remove: () => Promise<void> }>,
): void {
  describe(`${name} keeps the contract of a store`, () => {
    let folder: StoreFolder
    let remove: () => Promise<void>

    beforeEach(async () => {
      const made = await make()
      folder = made.folder
      remove = made.remove
    })
    afterEach(async () => {
      await folder.close()
      await remove()
    })

    describe('reading and writing', () => {
      it('gives the value last written, and undefined where there is none', async () => {
        const store = await folder.open(0, live)
        await put(store, { a: '1', b: '2' })
        await put(store, { a: '3' })
        expect([store.get('a'), store.get('b'), store.get('c')]).toEqual(['3', '2', undefined])
      })

      it('keeps an empty value apart from no value, and takes an empty key', async () => {
        const store = await folder.open(0, live)
        await put(store, { a: '', '': 'nameless' })
        expect([store.get('a'), store.get('')]).toEqual(['', 'nameless'])
      })

      it('forgets a deleted key; deleting an unknown one does nothing', async () => {
        const store = await folder.open(0, live)
        await put(store, { a: '1' })
        const batch = store.batch()
        batch.del('a')
        batch.del('never')
        await batch.write({ sync })
        expect(store.get('a')).toBeUndefined()
      })

      it('lets the last change of a key in a batch win', async () => {
        const store = await folder.open(0, live)
        const batch = store.batch()
        batch.put('a', '1')
        batch.del('a')
        batch.put('b', '1')
        batch.put('b', '2')
        await batch.write({ sync })
        expect([store.get('a'), store.get('b')]).toEqual([undefined, '2'])
      })

      it('keeps keys and values of every script and of 1 MiB', async () => {
        const store = await folder.open(0, live)
        const long = 'λ'.repeat(512 * 1024)
        await put(store, { 'kind\0ключ': '値', '\u{1f600}': long })
        expect(store.get('kind\0ключ')).toBe('値')
        expect(store.get('\u{1f600}')).toBe(long)
      })
    })

    describe('batches', () => {
      it('shows all of a batch or nothing while it is written, and all of it then', async () => {
        const store = await folder.open(0, live)
        const batch = store.batch()
        for (let i = 0; i < 1_000; i++) batch.put(`k${i}`, 'v')
        expect(store.get('k0')).toBeUndefined()
        const written = batch.write({ sync: true })
        // LevelDB writes on another thread, which may be done before this one goes on. Backwards: what is written last.
        const last = store.get('k999')
        expect([undefined, 'v']).toContain(last)
        if (last === 'v') expect(store.get('k0')).toBe('v')
        await written
        expect([store.get('k0'), store.get('k999')]).toEqual(['v', 'v'])
      })

      it('writes an empty batch', async () => {
        const store = await folder.open(0, live)
        await store.batch().write({ sync: true })
        await put(store, { a: '1' })
        expect(store.get('a')).toBe('1')
      })

      it('refuses a second batch until the first is written', async () => {
        const store = await folder.open(0, live)
        const first = store.batch()
        expect(() => store.batch()).toThrow(failure(/a batch is open already/))
        const written = first.write({ sync })
        expect(() => store.batch()).toThrow(failure(/a batch is open already/))
        await written
        await put(store, { a: '1' })
        expect(store.get('a')).toBe('1')
      })

      it('refuses changes to a batch that was written', async () => {
        const store = await folder.open(0, live)
        const batch = store.batch()
        batch.put('a', '1')
        await batch.write({ sync })
        expect(() => batch.put('b', '2')).toThrow(failure(/b/))
        expect(() => batch.del('a')).toThrow(failure(/a/))
        expect(store.get('a')).toBe('1')
      })
    })

    describe('entries', () => {
      it('come in the order of their UTF-8 bytes, from inclusive, to exclusive', async () => {
        const store = await folder.open(0, live)
        // U+FFFD is one UTF-16 unit above the surrogates of U+1F600, and below it in UTF-8.
        await put(store, { '\u{1f600}': '6', '\ufffd': '5', é: '4', z: '3', a: '2', 'a\0': 'a0', Z: '1' })
        expect(await keysOf(store, '', end)).toEqual(['Z', 'a', 'a\0', 'z', 'é', '\ufffd', '\u{1f600}'])
        expect(await keysOf(store, 'a', 'z')).toEqual(['a', 'a\0'])
        expect(await keysOf(store, 'z', 'a')).toEqual([])
      })

      it('are as many as the limit says', async () => {
        const store = await folder.open(0, live)
        await put(store, { a: '1', b: '2', c: '3' })
        expect(await keysOf(store, '', end, 2)).toEqual(['a', 'b'])
        expect(await keysOf(store, '', end, 0)).toEqual([])
        expect(await keysOf(store, 'b', end, 9)).toEqual(['b', 'c'])
      })

      it('are those of the moment of the call, whatever is written afterwards', async () => {
        const store = await folder.open(0, live)
        await put(store, { a: '1', b: '2' })
        const entries = store.entries({ from: '', to: end })
        const batch = store.batch()
        batch.put('a', 'later')
        batch.put('c', 'later')
        batch.del('b')
        await batch.write({ sync })
        expect(await collect(entries)).toEqual([
          ['a', '1'],
          ['b', '2'],
        ])
      })

      it('may be left early', async () => {
        const store = await folder.open(0, live)
        await put(store, { a: '1', b: '2' })
        for await (const [key] of store.entries({ from: '', to: end })) {
          expect(key).toBe('a')
          break
        }
        await store.close()
      })

      it('come complete and in order beyond one step of reading', async () => {
        const store = await folder.open(0, live)
        const keys = Array.from({ length: 12_001 }, (_, i) => `k${String(i).padStart(6, '0')}`)
        await put(store, Object.fromEntries(keys.toReversed().map((key) => [key, 'v'])))
        expect(await keysOf(store, '', end)).toEqual(keys)
      })
    })

    describe('opening, closing, removing', () => {
      it('keeps what was written when closed and opened again', async () => {
        const store = await folder.open(7, { purpose: 'restore' })
        await put(store, { a: '1' })
        await store.close()
        const again = await folder.open(7, live)
        expect(again.get('a')).toBe('1')
      })

      it('keeps tasks apart and lists those that have a store', async () => {
        const ten = await folder.open(10, live)
        const two = await folder.open(2, live)
        await put(ten, { a: 'ten' })
        expect(two.get('a')).toBeUndefined()
        await two.close()
        expect(await folder.tasks()).toEqual([2, 10])
      })

      it('awaits a running write before it closes', async () => {
        const store = await folder.open(0, live)
        const batch = store.batch()
        for (let i = 0; i < 10_000; i++) batch.put(`k${i}`, 'v')
        const written = batch.write({ sync: true })
        await store.close()
        await written
        const again = await folder.open(0, live)
        expect(again.get('k9999')).toBe('v')
      })

      it('drops a batch that was not written', async () => {
        const store = await folder.open(0, live)
        const batch = store.batch()
        batch.put('a', '1')
        await store.close()
        await expect(batch.write({ sync })).rejects.toThrow(failure(/./))
        const again = await folder.open(0, live)
        expect(again.get('a')).toBeUndefined()
      })

      it('may be closed twice, and refuses everything afterwards', async () => {
        const store = await folder.open(0, live)
        await Promise.all([store.close(), store.close()])
        await store.close()
        expect(() => store.get('a')).toThrow(failure(/task-0/))
        expect(() => store.batch()).toThrow(failure(/task-0/))
        expect(() => store.entries({ from: '', to: end })).toThrow(failure(/task-0/))
      })

      it('refuses to open or remove a store that is open', async () => {
        const store = await folder.open(0, live)
        await put(store, { a: '1' })
        await expect(folder.open(0, live)).rejects.toThrow(failure(/task-0.*open/))
        await expect(folder.destroy(0)).rejects.toThrow(failure(/task-0.*open/))
        expect(store.get('a')).toBe('1')
      })

      it('starts empty after the store was removed', async () => {
        const store = await folder.open(0, live)
        await put(store, { a: '1' })
        await store.close()
        await folder.destroy(0)
        expect(await folder.tasks()).toEqual([])
        const again = await folder.open(0, live)
        expect(again.get('a')).toBeUndefined()
      })

      it('claims the store of a task where there is one', async () => {
        await (await folder.open(2, live)).close()
        expect(await folder.claim(2, () => 1)).toBe(true)
        expect(await folder.claim(3, () => 1)).toBe(false)
        expect(await folder.tasks()).toEqual([2])
      })

      it('removes a store that is not there without complaint', async () => {
        await folder.destroy(3)
        expect(await folder.tasks()).toEqual([])
      })

      it('closes the stores it opened when it is closed, and may be closed twice', async () => {
        const store = await folder.open(0, live)
        await folder.close()
        await folder.close()
        expect(() => store.get('a')).toThrow(failure(/task-0/))
      })
    })

    it('agrees with a plain map over any batches and ranges', async () => {
      const key = fc.string({ unit: fc.constantFrom('a', 'b', '\0', 'é', '\ufffd', '\u{1f600}'), maxLength: 3 })
      const change = fc.tuple(key, fc.option(fc.string({ unit: 'binary', maxLength: 5 }), { nil: undefined }))
      const step = fc.record({
        batch: fc.array(change, { maxLength: 8 }),
        from: key,
        to: key,
        limit: fc.nat({ max: 5 }),
      })
      let task = 0
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
          const store = await folder.open(task, live)
          const plain = new Map<string, string>()
          for (const { batch: changes, from, to, limit } of steps) {
            const batch = store.batch()
            for (const [k, v] of changes) {
              if (v === undefined) batch.del(k)
              else batch.put(k, v)
              if (v === undefined) plain.delete(k)
              else plain.set(k, v)
            }
            await batch.write({ sync })
            const inOrder = [...plain].sort(([a], [b]) => bytes(a, b))
            const inRange = inOrder.filter(([k]) => bytes(k, from) >= 0 && bytes(k, to) < 0)
            expect(await collect(store.entries({ from: '', to: end }))).toEqual(inOrder)
            expect(await collect(store.entries({ from, to, limit }))).toEqual(inRange.slice(0, limit))
            for (const [k] of changes) expect(store.get(k)).toBe(plain.get(k))
          }
          await store.close()
          await folder.destroy(task++)
        }),
        { numRuns: 40 },
      )
      // Each run opens and removes a store, and a busy disk takes its time.
    }, 20_000)
  })
}

async function put(store: Store, values: Record<string, string>): Promise<void> {
  const batch = store.batch()
  for (const [key, value] of Object.entries(values)) batch.put(key, value)
  await batch.write({ sync })
}

async function collect(entries: AsyncIterable<readonly [string, string]>): Promise<(readonly [string, string])[]> {
  const found: (readonly [string, string])[] = []
  for await (const entry of entries) found.push(entry)
  return found
}

async function keysOf(store: Store, from: string, to: string, limit?: number): Promise<string[]> {
  const range = limit === undefined ? { from, to } : { from, to, limit }
  return (await collect(store.entries(range))).map(([key]) => key)
}

function bytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function failure(message: RegExp): Error {
  return expect.objectContaining({ code: 'STORE_FAILED', message: expect.stringMatching(message) }) as Error
}
