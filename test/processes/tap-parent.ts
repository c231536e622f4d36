import { singerSink, singerSource } from '../../lib/singer/index.js'
import { silentLogger } from '../../lib/core/logger.js'

// Who runs a program and is killed: `tap-parent.ts <source or sink> <program> <its arguments>`.
const [, , what, command = '', ...args] = process.argv
const signal = new AbortController().signal

async function main(): Promise<void> {
  const options = { command, args, config: { password: 'secret' } }
  const at = { signal, logger: silentLogger, partition: 0, topic: 't', sink: 's' }
  if (what === 'sink') {
    const record = { key: null, value: { id: 1 }, bytes: null, offset: 0, timestamp: 0, headers: new Map() }
    const target = await singerSink({ ...options, ackTimeout: '1h' }).open(at)
    await target.write?.({ topic: 't', partition: 0, records: [record], nextOffset: 1 })
    return
  }
  const context = { source: 's', partition: '0', position: undefined, signal, logger: silentLogger }
  for await (const batch of singerSource(options).open(context)) process.stdout.write(`${batch.records.length}\n`)
}

void main()
