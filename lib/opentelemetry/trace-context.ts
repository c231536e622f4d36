import type { SpanContext, TraceState } from '@opentelemetry/api'
import type { Headers } from '../core/record.js'
import type { TraceHeaders } from '../core/telemetry/tracer.js'

/** https://www.w3.org/TR/trace-context/: later versions may have more behind the flags. */
const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const longestParent = 256
const longestState = 512

type MakeState = (text: string) => TraceState

/** The trace that a record belongs to; undefined when it belongs to none, or says so in a way that is none. */
export function parentIn(headers: Headers, makeState: MakeState): SpanContext | undefined {
  const found = textIn(headers, 'traceparent', longestParent)
  const [, version, traceId = '', spanId = '', flags = '', more] = (found !== undefined && form.exec(found)) || []
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  const state = textIn(headers, 'tracestate', longestState)
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
    ...(state === undefined ? {} : { traceState: makeState(state) }),
  }
}

/** What a record carries that comes of a span. */
export function headersOf({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceHeaders {
  const flags = (traceFlags & 1).toString(16).padStart(2, '0')
  const state = traceState?.serialize() ?? ''
  return new Map([
    ['traceparent', Buffer.from(`00-${traceId}-${spanId}-${flags}`)],
    ...(state === '' ? [] : [['tracestate', Buffer.from(state)] as const]),
  ])
}

function textIn(headers: Headers, name: string, longest: number): string | undefined {
  const value = headers.get(name)
  if (value === undefined || value === null || value.length > longest) return undefined
  return Buffer.from(value).toString('latin1')
}
