import { MillraceError } from '../../core/errors.js'
import type { AvroType } from '../avro/avro-type.js'
import type { CodecPlace } from '../codec.js'
import type { RegistryOptions } from './registry-options.js'

/** The name under which the registry keeps the schema. Throws `DEFINITION_INVALID` where it goes by a name that there is not. */
export function subjectOf(
  { topic, part }: CodecPlace,
  type: AvroType,
  strategy: RegistryOptions['subjects'] = 'topic',
): string {
  if (strategy === 'topic') return `${topic}-${part}`
  const { name } = type as { readonly name?: string }
  if (name === undefined || name === '' || name === 'Value') {
    const todo =
      "give registryAvro the option name, such as name: 'com.acme.Order', or the schema an id with .meta({ id: 'Order' })"
    throw new MillraceError(
      'DEFINITION_INVALID',
      `the ${part}: with subjects: '${strategy}' a schema is kept under the name of its record, and this one has none; ${todo}`,
      { topic },
    )
  }
  return strategy === 'record' ? name : `${topic}-${name}`
}
