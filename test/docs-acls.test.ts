import { readFileSync } from 'node:fs'
import { table } from '../lib/cli/topics/acls.js'

it('docs/operations.md lists the permissions that the command tells of', () => {
  const rows = readFileSync('docs/operations.md', 'utf8')
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
  const listed = rows.map(([, resource, operations]) => `${resource}: ${operations}`)
  const told = Object.values(table).map(({ resource, operations }) => `${resource}: ${operations.join(', ')}`)
  expect(listed).toEqual(expect.arrayContaining(told))
})
