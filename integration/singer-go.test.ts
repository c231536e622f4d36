import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createApp, memoryLog, topic } from 'millrace'
import { sink } from 'millrace/connect'
import { singerSink } from 'millrace/singer'
import { z } from 'zod'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-go-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('a program in Go, with its standard library only, writes what comes to a file', async () => {
  const command = join(folder, 'append')
  execFileSync('go', ['build', '-o', command, 'examples/13-python-tap/go/append.go'])
  const file = join(folder, 'rows.jsonl')
  await using log = memoryLog({ partitions: 1 })
  const rows = topic('rows', z.object({ n: z.number(), text: z.string() }))
  const to = singerSink({ command, args: [file] })
  const app = createApp({ id: 'go', log, sinks: [sink('file', { from: rows, to })], createTopics: true })
  await app.start()
  const values = Array.from({ length: 1_000 }, (_, n) => ({ n, text: '"ü\n' }))
  await log.send(rows, values)
  while (app.stats().connectors[0]?.records !== 1_000) await sleep(10)
  await app.close()
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(values)
}, 120_000)
