import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { root } from './pages.js'

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
}

const folder = join(root, 'docs', 'deploy', 'kubernetes')

/** All manifests but the list of them. */
export const manifests: readonly Manifest[] = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml')
  .flatMap((file) => documentsIn(readFileSync(join(folder, file), 'utf8')) as Manifest[])

export function documentsIn(text: string): readonly unknown[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS({ maxAliasCount: 0 }) as unknown)
    .filter((value) => value !== null)
}

/** Where the types of a kind are, which are made from the schemas of Kubernetes. */
const types: Readonly<Record<string, string>> = {
  StatefulSet: 'kubernetes-models/apps/v1/StatefulSet',
  PodDisruptionBudget: 'kubernetes-models/policy/v1/PodDisruptionBudget',
  Secret: 'kubernetes-models/v1/Secret',
  Service: 'kubernetes-models/v1/Service',
  ServiceMonitor: '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor',
}

/** What the schemas object to: names that there are not, fields that are missing, values of another type. */
export function problemsOf(given: readonly Manifest[]): string {
  const work = join(root, 'temp', 'manifests')
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  for (const [i, manifest] of given.entries()) {
    const type = `import('${types[manifest.kind] ?? 'no-schema'}').I${manifest.kind}`
    writeFileSync(join(work, `m${i}.ts`), `export const m: ${type} = ${JSON.stringify(manifest)}\n`)
  }
  const config = { extends: '../../tsconfig.json', compilerOptions: { noEmit: true, declaration: false } }
  writeFileSync(join(work, 'tsconfig.json'), JSON.stringify({ ...config, include: ['*.ts'] }))
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  return spawnSync(process.execPath, [tsc, '-p', work, '--pretty', 'false'], { encoding: 'utf8' }).stdout
}
