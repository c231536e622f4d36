import { MillraceError } from '../../core/errors.js'
import type { Form, Slot } from './avro-form.js'
import { concrete, nameOf, type AvroType } from './avro-type.js'

/** The branch of an Avro union that holds a form best. Records go by their names, unless there is only one. */
export function branchFor(form: Form, branches: readonly AvroType[]): AvroType | undefined {
  if (form.kind === 'date') return branches.find(({ typeName }) => typeName.endsWith('timestamp-millis'))
  const ofType = (name: string): readonly AvroType[] =>
    branches.filter((branch) => concrete(branch).typeName.replace('abstract:', '') === name)
  const fitting = (holders[form.kind] ?? [form.kind]).flatMap(ofType)
  if (form.kind !== 'record' || fitting.length === 1) return fitting[0]
  return fitting.find((branch) => nameOf(branch).split('.').at(-1) === form.name)
}

/** The Avro types that may hold a form, the best first, where it is not only the one of the same name. */
const holders: Readonly<Partial<Record<Form['kind'], readonly string[]>>> = {
  string: ['string', 'enum'],
  uuid: ['string'],
  enum: ['enum', 'string'],
  int: ['int', 'long', 'double', 'float'],
  long: ['long', 'int', 'double', 'float'],
  float: ['float', 'double', 'long', 'int'],
  double: ['double', 'float', 'long', 'int'],
  bigint: ['long'],
  bytes: ['bytes', 'fixed'],
  buffer: ['bytes', 'fixed'],
}

export function noPlace({ path }: Slot, what: string, type: AvroType): MillraceError {
  const reason = `the zod schema allows ${what}, for which the Avro schema has no place (it has ${nameOf(type)} here)`
  return new MillraceError('DEFINITION_INVALID', `${path}: ${reason}; change one of them`)
}
