import { core } from 'zod'
import { MillraceError } from '../../core/errors.js'
import { sentence, type Issue } from '../schema.js'
import type { ZodContext, ZodSchema } from '../zod-def.js'

const backward: ZodContext = { async: false, direction: 'backward' }

/**
 * What a schema of zod with codecs in it makes of a value to write it: zod's `encode`, by the schema itself, since another
 * copy of zod may have made it. Throws `VALUE_INVALID` for what does not fit.
 */
export function wayBack(schema: ZodSchema): (value: unknown) => unknown {
  return (value) => {
    const result = schema._zod.run({ value, issues: [] }, backward)
    if (result instanceof Promise)
      throw new MillraceError(
        'DEFINITION_INVALID',
        'the schema encodes asynchronously; only synchronous codecs can be used',
      )
    if (result.issues.length === 0) return result.value
    const issues = result.issues.map((issue) =>
      core.util.finalizeIssue(issue as never, backward as never, core.config()),
    )
    throw new MillraceError('VALUE_INVALID', (issues as readonly Issue[]).slice(0, 3).map(sentence).join('; '))
  }
}
