import { z } from 'zod'
import type { Awaited as AwaitedFormat } from '../lib/core/key-format.js'
import { registryAvro } from '../lib/codec/registry/registry-avro.js'
import type { RegistryOptions } from '../lib/codec/registry/registry-options.js'
import { registry } from '../lib/codec/registry/registry.js'
import { topic, type Topic } from '../lib/model/stream.js'

/** What tests of topics with a schema registry have in common. */
export const Row = z.object({ symbol: z.string(), price: z.number() }).meta({ id: 'Row' })

export const never: AbortSignal = new AbortController().signal

export const rowsAt = (
  url: RegistryOptions['url'],
  options: Partial<RegistryOptions> = {},
): Topic<z.infer<typeof Row>> => topic('rows', registryAvro(Row, { registry: registry({ url, ...options }) }))

export const awaited = ({ codec }: Pick<Topic<never>, 'codec'>): AwaitedFormat => codec.awaited as AwaitedFormat

export async function read(from: Topic<never>, bytes: Uint8Array): Promise<unknown> {
  const buffer = Buffer.from(bytes)
  await awaited(from).missing(buffer, 0, buffer.length)
  return from.codec.decode(buffer)
}

export const framed = (id: number, body: Uint8Array | string): Buffer => {
  const header = Buffer.alloc(5)
  header.writeInt32BE(id, 1)
  return Buffer.concat([header, Buffer.from(body)])
}
