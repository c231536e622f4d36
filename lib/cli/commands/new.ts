import { relative, resolve } from 'node:path'
import { does, type Define } from '../frame/does.js'
import { takes } from '../frame/options.js'
import type { Session } from '../frame/session.js'
import { version } from '../frame/version.js'

interface NewArguments {
  readonly name?: string
  readonly millrace?: string
}

export const define: Define = (command) => {
  takes(command.argument('<directory>', 'where it is made; it must be empty, or not there'))
    .option('--name <name>', 'of the package, the app and its topics; that of the directory by default')
    .option('--millrace <spec>', 'of this package, for package.json: a version, a range or file:…')
    .action(does(create))
}

async function create(session: Session, { name: given, millrace }: NewArguments, directory: string): Promise<void> {
  const { nameOf, writeStarter } = await import('../starter/starter.js')
  const name = nameOf(directory, given)
  const path = resolve(directory)
  const files = await writeStarter({ directory: path, name, millrace: millrace ?? `^${version()}` })
  const cd = relative('.', path)
  const steps = [...(cd === '' ? [] : [`cd ${cd}`]), 'npm install', 'npm start', 'npm test']
  session.out.result({ directory: path, name, files }, () =>
    [
      `made ${name} in ${path}:`,
      ...files.map((file) => `  ${file}`),
      '',
      'Next:',
      ...steps.map((step) => `  ${step}`),
    ].join('\n'),
  )
}
