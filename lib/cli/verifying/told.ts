import { counted, plainText, table } from '../frame/table.js'
import { cut } from '../stored/data.js'
import type { Difference } from './findings.js'

const keyWidth = 60
const valueWidth = 60
const head = ['in', 'is', 'kind', 'key', 'expected', 'found', 'where']

/** Those that are kept, of so many in all. */
export function differencesText(differences: readonly Difference[], inAll: number): string {
  const rows = differences.map((each) => [
    each.in,
    each.is,
    each.kind,
    cut(plainText(each.key), keyWidth),
    cut(plainText(each.expected ?? '-'), valueWidth),
    cut(plainText(each.found ?? '-'), valueWidth),
    each.where,
  ])
  const more = inAll - differences.length
  return [
    `${counted(inAll, 'difference')}:`,
    ...(rows.length === 0 ? [] : [table(head, rows)]),
    ...(more === 0 ? [] : [`… and ${more} more: give a larger --limit`]),
  ].join('\n')
}
