import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as millrace from '../../lib/index.js'
import { anchorsOf } from './links.js'
import { root } from './pages.js'

const page = readFileSync(join(root, 'docs', 'reference.md'), 'utf8')

describe('docs/reference.md', () => {
  it('is what the sources say', () => {
    const { stderr } = spawnSync(process.execPath, ['scripts/docs.mjs', '--check'], { cwd: root, encoding: 'utf8' })
    expect(stderr).toBe('')
  }, 120_000)

  it.each(Object.keys(millrace))('tells of %s', (name) => {
    expect(anchorsOf(page)).toContain(name.toLowerCase())
  })

  it('has the examples of docstrings as code', () => {
    expect(page).toMatch(/^```typescript\nconst token = commitToken\(/m)
    expect(page.replace(/^```.*?^```$/gms, '')).not.toContain('```')
  })

  it('says of each option what it is', () => {
    const options = [...page.matchAll(/^### (\w+Options)\n(.*?)(?=^##)/gms)]
    const fields = options.flatMap(([, name = '', text = '']) =>
      [...text.matchAll(/^- \*\*`(\w+)\??`\*\*(.*)$/gm)].map(([, field = '', said = '']) => ({ name, field, said })),
    )
    expect(fields.length).toBeGreaterThan(100)
    const bare = fields.filter(({ said }) => !/^(?: `+[^`].*?`)?: [^_]/.test(said))
    expect(bare.map(({ name, field }) => `${name}.${field}`)).toEqual([])
  })
})
