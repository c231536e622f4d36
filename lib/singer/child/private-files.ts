import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Json } from '../../connect/json.js'

/** A folder that only this user can look into, for what a program is given as files. */
export class PrivateFiles {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static async create(): Promise<PrivateFiles> {
    return new PrivateFiles(await mkdtemp(join(tmpdir(), 'millrace-singer-')))
  }

  /** `--config FILE`: of text that file, of anything else one made of it. */
  async flag(flag: string, content: Json | undefined): Promise<readonly string[]> {
    if (content === undefined) return []
    return [flag, typeof content === 'string' ? content : await this.write(flag.replace(/^-+/, ''), content)]
  }

  async write(name: string, content: Json): Promise<string> {
    const path = join(this.folder, `${name}.json`)
    await writeFile(path, JSON.stringify(content), { mode: 0o600 })
    return path
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}
