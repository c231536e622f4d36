import { MillraceError } from '../core/errors.js'
import type { Rule } from '../core/options.js'
import { forget, isThenable, kindOf } from '../core/record-checks.js'

/** Any schema library that speaks Standard Schema v1 (zod, valibot, arktype). Source: standardschema.dev. */
export interface Schema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => unknown
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** The type of values a schema lets through. */
export type OutputOf<S extends Schema> = NonNullable<S['~standard']['types']>['output']

/** Some libraries make their schemas functions. */
export function isSchema(value: unknown): value is Schema {
  const standard = (value as Partial<Schema> | null | undefined)?.['~standard']
  return typeof standard?.validate === 'function'
}

export const schemaRule: Rule = {
  give: 'a schema of zod, or of another library that speaks Standard Schema',
  fits: isSchema,
  required: false,
}

/** What a Standard Schema answers. */
interface Verdict {
  readonly value?: unknown
  readonly issues?: readonly Issue[] | undefined
}
/** What is wrong with a value, and where in it. */
export interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** Checks a value; the returned function throws `VALUE_INVALID` naming the field that is wrong. */
export function validator(schema: Schema): (value: unknown) => unknown {
  const standard = schema['~standard']
  return (value) => {
    const verdict = standard.validate(value) as Verdict | Promise<Verdict>
    if (isThenable(verdict)) {
      forget(verdict)
      throw new MillraceError(
        'DEFINITION_INVALID',
        'the schema validates asynchronously, or something in it throws (zod then begins anew, asynchronously); on the record path nothing can wait for it: let transforms and refinements be synchronous, and report what they refuse instead of throwing it',
      )
    }
    if (typeof verdict !== 'object' || verdict === null)
      throw new MillraceError('VALUE_INVALID', `the schema gave ${kindOf(verdict)} in the place of a result`)
    if (verdict.issues) throw new MillraceError('VALUE_INVALID', verdict.issues.slice(0, 3).map(sentence).join('; '))
    return verdict.value
  }
}

/** A path and what is wrong there. */
export function sentence(issue: Issue): string {
  const path = (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
  return path === '' ? issue.message : `${path}: ${issue.message}`
}
