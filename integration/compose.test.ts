import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Of its own accord, or as a part of docker; neither needs Docker to run. */
function compose(input: string, ...args: readonly string[]): string {
  const ways = [['docker-compose'], ['docker', 'compose']] as const
  for (const [command, ...more] of ways) {
    const { error, status, stdout, stderr } = spawnSync(command, [...more, ...args], { input, encoding: 'utf8' })
    // Without its compose part docker itself does not know the options.
    if (error !== undefined || /unknown (shorthand )?flag|is not a docker command/.test(stderr)) continue
    if (status !== 0) throw new Error(stderr)
    return stdout
  }
  throw new Error('docker-compose was not found: apt-get install docker-compose')
}

/** The block of each service, by its name. */
function servicesIn(text: string): Map<string, string> {
  const [, services = ''] = text.split(/^services:\n/m)
  const blocks = services.split(/^volumes:/m)[0]!.split(/^ {2}(?=[a-z]+:\n)/m)
  return new Map(blocks.flatMap((block) => (/^[a-z]+:/.test(block) ? [[block.split(':')[0]!, block]] : [])))
}

describe('docker-compose.yml', () => {
  const text = readFileSync('docker-compose.yml', 'utf8')
  const services = servicesIn(text)

  it('is understood by docker-compose, which refuses what is none', () => {
    const listed = compose('', '--profile', 'all', 'config', '--services').trim().split('\n').sort()
    expect(listed).toEqual([...services.keys()].sort())
    expect(listed).toEqual(['connect', 'kafka', 'postgres', 'rabbitmq', 'registry', 'ui'])
    expect(() => compose(text.replace('healthcheck:', 'healthchek:'), '-f', '-', 'config', '-q')).toThrow(/healthchek/)
  })

  it('pins a version of each image and says when a service is healthy', () => {
    const lacking = [...services].flatMap(([name, block]) => [
      ...(/^ {4}image: \S+:v?\d+\.\d+(\.\d+)?\S*$/m.test(block) ? [] : [`${name}: image`]),
      ...(/^ {4}healthcheck:\n {6}test:/m.test(block) ? [] : [`${name}: healthcheck`]),
      // A broker is always there.
      ...(name === 'kafka' || /^ {4}profiles: \[.*\ball\]$/m.test(block) ? [] : [`${name}: profiles`]),
    ])
    expect(lacking).toEqual([])
  })

  it('has the versions that the tests run against, where it is the same program', () => {
    const versionIn = (pom: string, artifact: string): string =>
      new RegExp(`<artifactId>${artifact}</artifactId>\\s*<version>([^<]+)`).exec(readFileSync(pom, 'utf8'))?.[1] ?? ''
    const folder = 'integration/components/connect'
    expect(services.get('connect')).toContain(
      `connect:${versionIn(`${folder}/jdbc-sink-pom.xml`, 'debezium-connector-jdbc')}`,
    )
    expect(services.get('kafka')).toContain(`kafka:${versionIn(`${folder}/worker-pom.xml`, 'connect-runtime')}`)
  })
})
