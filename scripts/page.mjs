// Puts the monitor page together: `page/` and what it imports becomes three files and their licences, as text. Used by the build
// and by the tests; nothing of it is needed where the package runs.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const page = join(root, 'page')

/** All files by path: what `lib/watch/page/bundle.ts` exports as `files`. */
export function pageFiles() {
  const { outputFiles, metafile } = buildSync({
    entryPoints: [join(page, 'main.ts'), join(page, 'styles', 'main.css')],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: ['es2022'],
    legalComments: 'none',
    outdir: join(root, 'build', 'page'),
    absWorkingDir: root,
    logLevel: 'silent',
  })
  const output = (ending) => outputFiles.find(({ path }) => path.endsWith(ending)).text
  const script = named('app', 'js', output('.js'))
  const style = named('app', 'css', output('.css'))
  const icon = named('icon', 'svg', readFileSync(join(page, 'icon.svg'), 'utf8'))
  const html = readFileSync(join(page, 'index.html'), 'utf8')
    .replace('{{script}}', `page/${script.name}`)
    .replace('{{style}}', `page/${style.name}`)
    .replace('{{icon}}', `page/${icon.name}`)
  return {
    'index.html': { type: 'text/html; charset=utf-8', text: html },
    [script.name]: { type: 'text/javascript; charset=utf-8', text: script.text },
    [style.name]: { type: 'text/css; charset=utf-8', text: style.text },
    [icon.name]: { type: 'image/svg+xml', text: icon.text },
    'licences.txt': { type: 'text/plain; charset=utf-8', text: licences(Object.keys(metafile.inputs)) },
  }
}

/** Named by what is in it, so that browsers may keep it. */
function named(name, ending, text) {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 10)
  return { name: `${name}-${hash}.${ending}`, text }
}

/** Of every package that a part of is in the page. */
function licences(inputs) {
  const packages = new Set(
    inputs.flatMap((input) => /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []),
  )
  const texts = [...packages]
    .sort((a, b) => a.localeCompare(b, 'en'))
    .map((name) => {
      const folder = join(root, 'node_modules', name)
      const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each))
      if (file === undefined) throw new Error(`${name} has no licence file, and is in the monitor page`)
      return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
    })
  return `The monitor page has parts of these packages in it.\n\n${texts.join('\n----\n\n')}`
}

/** The source of a module that exports them. */
export function bundleModule(format) {
  const files = JSON.stringify(pageFiles())
  return format === 'esm' ? `export const files = ${files};\n` : `'use strict';\nexports.files = ${files};\n`
}

/** Puts them into what the compiler has written, in the place of the empty module that it knows. */
export function writeBundle() {
  for (const format of ['esm', 'cjs']) {
    const folder = join(root, 'dist', format, 'watch', 'page')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'bundle.js'), bundleModule(format))
    // Of the empty one.
    rmSync(join(folder, 'bundle.js.map'), { force: true })
    writeFileSync(join(folder, 'licences.txt'), pageFiles()['licences.txt'].text)
  }
}

/** What it is made of. */
export function pageSources() {
  return readdirSync(page, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
}
