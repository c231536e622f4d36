import type * as Api from '@opentelemetry/api'
import type { Attributes, Span } from '@opentelemetry/api'

/** Ends a span once, with its error if there is one; false when it has ended before. Never throws. */
export type End = (failure: { readonly error: unknown } | undefined, facts?: Attributes) => boolean

export function endOf({ SpanStatusCode }: typeof Api, span: Span): End {
  let isOver = false
  return (failure, facts) => {
    if (isOver) return false
    isOver = true
    quietly(() => {
      if (facts !== undefined) span.setAttributes(facts)
      if (failure !== undefined) {
        const { error } = failure
        const message = error instanceof Error ? error.message : String(error)
        span.recordException(error instanceof Error ? error : message)
        span.setStatus({ code: SpanStatusCode.ERROR, message })
      }
      span.end()
    })
    return true
  }
}

/** What an SDK throws is none of the app's. */
export function quietly<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}
