import { Findings } from './findings.js'
import { differencesText } from './told.js'

function told(count: number, limit: number): string {
  const findings = new Findings(limit)
  for (let n = 0; n < count; n++)
    findings.differs({ in: 'row', is: 'extra', kind: 'order', key: `o${n}`, where: 'rows[0]' })
  return differencesText(findings.differences, findings.inAll)
}

it.each([
  [3, 3, ''],
  [3, 2, '… and 1 more: give a larger --limit'],
  [250, 100, '… and 150 more: give a larger --limit'],
  [2, 0, '… and 2 more: give a larger --limit'],
])('of %i differences with a limit of %i the rest is told', (count, limit, rest) => {
  const text = told(count, limit)
  expect(text.startsWith(`${count} differences:\n`)).toBe(true)
  expect(text.match(/extra/g)?.length ?? 0).toBe(Math.min(count, limit))
  expect(text.split('\n').at(-1)?.startsWith('…') === true ? text.split('\n').at(-1) : '').toBe(rest)
})
