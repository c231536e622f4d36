import { isUtf8 } from 'node:buffer'
import { asBuffer } from '../../core/bytes.js'
import { HeaderWalk, type HeaderSection } from '../../log/format/record-headers.js'
import { plainText } from '../frame/table.js'

/** Bytes for JSON: as text where they are text, so that both ways lead back to them. */
export type DataDocument = { readonly text: string } | { readonly base64: string } | null

export function dataDocument(data: Uint8Array | null): DataDocument {
  if (data === null) return null
  const bytes = asBuffer(data)
  return isUtf8(bytes) ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') }
}

/** Bytes for people: on one line, and what would steer a terminal shown as what it is. */
export function dataText(data: Uint8Array | null): string {
  const document = dataDocument(data)
  if (document === null) return 'null'
  return 'text' in document ? plainText(document.text) : `base64 ${document.base64}`
}

/** Headers in order; of a name there may be several. */
export function headersDocument(section: HeaderSection): readonly (readonly [name: string, value: DataDocument])[] {
  const walk = new HeaderWalk(asBuffer(section), 0, section.length)
  const headers: (readonly [string, DataDocument])[] = []
  while (walk.next()) headers.push([walk.name, dataDocument(walk.value)])
  return headers
}

/** What is longer than a table has room for ends in an ellipsis. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}
