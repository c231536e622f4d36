import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve, basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { reasonOf } from '../../core/errors.js'
import { CliError } from '../frame/exits.js'

export interface Starter {
  readonly directory: string
  readonly name: string
  /** What `package.json` asks of npm for this package: a version, a range or a file. */
  readonly millrace: string
}

/** Where the files of the package are, from where this one is built. */
const template = fileURLToPath(new URL('../../../../templates/starter', import.meta.url))

/** npm leaves out files of this name when it packs. */
const renamed: Readonly<Record<string, string>> = { gitignore: '.gitignore' }

/** Writes a project that runs; gives its files. Only into a directory that is empty, or not there. */
export async function writeStarter({ directory, name, millrace }: Starter): Promise<readonly string[]> {
  await demandEmpty(directory)
  const files = (await readdir(template, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const written: string[] = []
  for (const { parentPath, name: file } of files) {
    const from = join(parentPath, file)
    const path = join(dirname(from.slice(template.length + 1)), renamed[file] ?? file)
    const text = (await readFile(from, 'utf8'))
      .replaceAll('{{name}}', name)
      // It stands in JSON, and is a path perhaps; as a text, `$` would mean something.
      .replaceAll('{{millrace}}', () => JSON.stringify(millrace).slice(1, -1))
    await put(join(directory, path), text)
    written.push(path)
  }
  return written.sort()
}

/** A name that npm takes for a package, and Millrace for an app: of the directory, unless another is given. */
export function nameOf(directory: string, given: string | undefined): string {
  const name = given ?? basename(resolve(directory))
  if (/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name)) return name
  const where = given === undefined ? 'the name of the directory' : '--name'
  const todo = given === undefined ? ' Give another with --name.' : ''
  throw new CliError(
    'usage',
    `${where} is '${name.slice(0, 100)}', which cannot name a package and an app: use up to 64 small letters, digits, '.', '_' and '-', and begin with a letter or digit.${todo}`,
  )
}

async function demandEmpty(directory: string): Promise<void> {
  let entries: readonly string[]
  try {
    entries = await readdir(directory)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return
    const what = code === 'ENOTDIR' ? 'it is a file' : reasonOf(error)
    throw new CliError('refused', `${directory} cannot be used: ${what}. Choose another directory.`, error)
  }
  const others = entries.filter((entry) => entry !== '.git')
  if (others.length === 0) return
  const some = others.slice(0, 3).join(', ')
  throw new CliError(
    'refused',
    `${directory} is not empty (${some}${others.length > 3 ? ', …' : ''}): nothing was written. Choose another directory.`,
  )
}

async function put(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text, { flag: 'wx' })
  } catch (error) {
    throw new CliError('failed', `${path} cannot be written: ${reasonOf(error)}`, error)
  }
}
