// What others have written, from PyPI, each in a virtual environment under build/.
import { execFile } from 'node:child_process'
import { access, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const versions = { 'tap-jsonl': '0.3.1', 'target-jsonl': '0.1.4', pika: '1.4.4' } as const

/** The path of the program of a package; it is installed when it is not there yet. */
export async function installed(name: 'tap-jsonl' | 'target-jsonl'): Promise<string> {
  return join(await environment(name), name)
}

/** The path of a Python that has the package. */
export async function pythonWith(name: 'pika'): Promise<string> {
  return join(await environment(name), 'python3')
}

async function environment(name: keyof typeof versions): Promise<string> {
  const folder = resolve('build', 'pypi', `${name}-${versions[name]}`)
  const marker = join(folder, 'installed')
  try {
    await access(marker)
  } catch {
    await rm(folder, { recursive: true, force: true })
    await run('python3', ['-m', 'venv', folder])
    const pip = join(folder, 'bin', 'pip')
    await run(pip, ['install', '--quiet', '--disable-pip-version-check', `${name}==${versions[name]}`])
    await writeFile(marker, '')
  }
  return join(folder, 'bin')
}
