import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sourceContract } from 'millrace/connect'
import { silentLogger } from '../lib/core/logger.js'
import { fileSource } from './sources/file-source.js'

const root = join(__dirname, '..')
const page = readFileSync(join(root, 'docs', 'sources.md'), 'utf8')

describe('the source of docs/sources.md', () => {
  let folder = ''
  let files = 0
  const fileWith = (lines: readonly string[]): string => {
    const path = join(folder, `${files++}`)
    writeFileSync(path, lines.join(''))
    return path
  }
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'millrace-'))))
  afterAll(() => rmSync(folder, { recursive: true }))

  it('is shown as it is tested', () => {
    const [, path = '', code] = /<!-- (\S+) -->\n\n```ts\n(.*?)```/s.exec(page) ?? []
    expect(code).toBe(readFileSync(join(root, path), 'utf8'))
  })

  const checks = sourceContract({
    make: (values) => ({
      connector: fileSource(fileWith(values.map((value) => `${value}\n`))),
      text: ({ bytes }) => Buffer.from(bytes!).toString(),
    }),
  })

  it.each(checks)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })

  const ends: readonly (readonly [what: string, text: string])[] = [
    ['in the middle of a line', 'one\ntwo\n'],
    ['with carriage returns', 'one\r\ntwo\r\n'],
    ['in the middle of a character', 'ein\nzwölf\n'],
    ['with empty lines', '\n\none\n\n'],
  ]

  it.each(ends)('goes on where it was, wherever the file ended: %s', async (_what, text) => {
    const all = Buffer.from(text)
    for (let cut = 0; cut <= all.length; cut++) {
      const path = fileWith([])
      writeFileSync(path, all.subarray(0, cut))
      const first = await linesOf(path, undefined)
      appendFileSync(path, all.subarray(cut))
      const second = await linesOf(path, first.position)
      expect([...first.lines, ...second.lines].join('')).toBe(text.replaceAll('\n', '|'))
    }
  })
})

/** What it gives of a file as it is, each line with a bar in the place of its end. */
async function linesOf(path: string, position: number | undefined) {
  const whole = readFileSync(path).lastIndexOf(10) + 1
  const stop = new AbortController()
  const lines: string[] = []
  let at = position
  if ((at ?? 0) >= whole) return { lines, position: at }
  const context = { source: 'file', partition: '0', position, signal: stop.signal, logger: silentLogger }
  for await (const batch of fileSource(path).open(context)) {
    lines.push(...batch.records.map(({ bytes }) => `${Buffer.from(bytes!).toString()}|`))
    at = batch.position
    if (at! >= whole) stop.abort()
  }
  return { lines, position: at }
}
