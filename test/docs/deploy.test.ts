import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import type { ISecret } from 'kubernetes-models/v1/Secret'
import type { IService } from 'kubernetes-models/v1/Service'
import type { IStatefulSet } from 'kubernetes-models/apps/v1/StatefulSet'
import type { IServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor'
import { createApp, memoryLog, text, topic } from 'millrace'
import { resolveHttp } from '../../lib/http/options.js'
import { probeRoutes } from '../../lib/watch/probes.js'
import { documentsIn, manifests, problemsOf, type Manifest } from './manifests.js'
import { pages, root } from './pages.js'

const all = <T>(kind: string): readonly T[] => manifests.filter((each) => each.kind === kind) as unknown as T[]
const set = all<IStatefulSet>('StatefulSet')[0]!
const pod = set.spec!.template
const container = pod.spec!.containers[0]!
const port = container.ports![0]!
const [headless, queries] = all<IService>('Service')
const monitor = all<IServiceMonitor>('ServiceMonitor')[0]!
const secret = all<ISecret>('Secret')[0]!

/** The program that the guide gives to the image. */
const guide = pages.find(({ path }) => path === 'docs/deployment.md')!.text
const operations = pages.find(({ path }) => path === 'docs/operations.md')!.text
const program = /^```ts\n\/\/ app\.ts\n(.*?)^```$/ms.exec(guide)?.[1] ?? ''

describe('docs/deploy/kubernetes', () => {
  it('has manifests that fit the schemas of Kubernetes, which refuse what does not', () => {
    expect(problemsOf(manifests)).toBe('')
    const wrong = JSON.parse(JSON.stringify(set).replace('podManagementPolicy', 'podManagmentPolicy')) as Manifest
    expect(problemsOf([wrong])).toContain('podManagmentPolicy')
  }, 120_000)

  it('lists all of them for kubectl apply -k', () => {
    const folder = join(root, 'docs', 'deploy', 'kubernetes')
    const [list] = documentsIn(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as { resources: string[] }[]
    const files = readdirSync(folder).filter((file) => file !== 'kustomization.yaml')
    expect([...list!.resources].sort()).toEqual(files.sort())
  })

  it('asks the probes that there are', () => {
    const paths = probeRoutes(() => ({}) as never).map(({ path }) => path)
    const { livenessProbe: live, readinessProbe: ready } = container
    expect([live?.httpGet?.path, ready?.httpGet?.path]).toEqual(paths)
    expect([live?.httpGet?.port, ready?.httpGet?.port]).toEqual([port.name, port.name])
  })

  it('says one port everywhere', () => {
    expect(container.env!.find(({ name }) => name === 'HTTP_PORT')!.value).toBe(String(port.containerPort))
    expect([headless, queries].map((service) => service!.spec!.ports![0]!.targetPort)).toEqual([port.name, port.name])
    expect(monitor.spec.endpoints![0]!.port).toBe(headless!.spec!.ports![0]!.name)
  })

  it('asks an app where it answers: the probes without the token, the metrics with it', async () => {
    const token = 'a-token-of-more-than-16-characters'
    const flows = [topic('in', text()).to(topic('out', text()))]
    await using app = createApp({ id: 'bank', flows, log: memoryLog(), createTopics: true, http: { token } })
    await app.start()
    const ask = async (path: string | undefined, headers: Record<string, string> = {}): Promise<number> =>
      (await app.handler(new Request(`http://bank-0:9464${path}`, { headers }))).status
    const { authorization, path } = monitor.spec.endpoints![0]!
    expect(await ask(container.livenessProbe!.httpGet!.path)).toBe(200)
    expect(await ask(container.readinessProbe!.httpGet!.path)).toBe(200)
    expect(await ask(path)).toBe(401)
    expect(await ask(path, { authorization: `${authorization!.type} ${token}` })).toBe(200)
  })

  it('selects the pods of the set', () => {
    const labels = set.spec!.selector.matchLabels!
    expect(pod.metadata!.labels).toEqual(labels)
    const budget = all<IPodDisruptionBudget>('PodDisruptionBudget')[0]!
    const selectors = [headless!.spec!.selector, queries!.spec!.selector, budget.spec!.selector!.matchLabels]
    expect(selectors).toEqual([labels, labels, labels])
    expect(set.spec!.serviceName).toBe(headless!.metadata!.name)
    expect(headless!.metadata!.labels).toMatchObject(monitor.spec.selector.matchLabels!)
    expect(queries!.metadata!.labels).not.toMatchObject(monitor.spec.selector.matchLabels!)
  })

  it('sets just what the program of the guide reads', () => {
    const read = [...program.matchAll(/process\.env\.(\w+)/g)].map(([, name]) => name)
    const set = container.env!.map(({ name }) => name).filter((name) => name !== 'NODE_OPTIONS')
    expect([...new Set(read)].sort()).toEqual(set.sort())
  })

  it('keeps the state in the volume', () => {
    const data = container.env!.find(({ name }) => name === 'DATA_DIR')!.value
    expect(container.volumeMounts!.map(({ mountPath }) => mountPath)).toEqual([data])
    expect(set.spec!.volumeClaimTemplates![0]!.metadata!.name).toBe(container.volumeMounts![0]!.name)
  })

  it('has a token that nobody runs with by mistake, and one name for it', () => {
    const [[name, token]] = Object.entries(secret.stringData!) as [[string, string]]
    expect(() => resolveHttp({ port: 9464, host: '0.0.0.0', token })).toThrow(/token/)
    const refs = [container.env!.find((each) => each.name === 'HTTP_TOKEN')!.valueFrom!.secretKeyRef]
    expect([...refs, monitor.spec.endpoints![0]!.authorization!.credentials]).toEqual(
      Array.from({ length: 2 }, () => ({ name: secret.metadata!.name, key: name })),
    )
  })

  it('gives an app the time to close that the guide says it may take', () => {
    const [, seconds] = /So (\d+) s of `terminationGracePeriodSeconds`/.exec(operations) ?? []
    expect(pod.spec!.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(Number(seconds))
  })
})

describe('docs/deploy/Dockerfile', () => {
  const lines = readFileSync(join(root, 'docs', 'deploy', 'Dockerfile'), 'utf8').split('\n')
  const of = (name: string): readonly string[] =>
    lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1))

  it('has a Node that the package takes, and runs it itself, not as root', () => {
    const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { engines: { node: string } }
    const least = Number(/\d+/.exec(engines.node)![0])
    for (const image of of('FROM')) expect(Number(/^node:(\d+)-slim/.exec(image)?.[1])).toBeGreaterThan(least)
    expect((JSON.parse(of('CMD').at(-1)!) as string[])[0]).toBe('node')
    expect(of('USER')).toEqual(['node'])
  })

  it('agrees with the manifests', () => {
    expect(of('EXPOSE')).toEqual([String(port.containerPort)])
    expect(of('VOLUME')).toEqual([container.volumeMounts![0]!.mountPath])
    expect(of('ENV')).toContain(`DATA_DIR=${container.volumeMounts![0]!.mountPath}`)
  })
})
