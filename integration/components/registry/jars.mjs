// A schema registry, Apicurio, and its serialisers for Java, copied once by Maven into .kafka/registry; run as a program it only does
// that. 150 MB.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { copiedOnce, maven } from '../../kafka/copied-once.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const home = join(here, '..', '..', '..', '.kafka', 'registry')
const server = 'io.apicurio:apicurio-registry-app:2.6.13.Final:tar.gz:all'
const pom = join(here, 'serde-pom.xml')
const what = 'the jars of the registry'

/** The jar that runs, the class path of the server when that is to be found beside it. Throws when it cannot be had. */
export function registryJar() {
  const into = once('server', server, (aside) => {
    maven(what, 'dependency:copy', `-Dartifact=${server}`, `-DoutputDirectory=${aside}`)
    const [archive] = readdirSync(aside)
    const { status } = spawnSync('tar', ['-xzf', archive], { cwd: aside, stdio: ['ignore', 2, 2] })
    if (status !== 0) throw new Error('the archive of the registry could not be unpacked.')
    rmSync(join(aside, archive))
  })
  const runner = readdirSync(into).find((name) => name.endsWith('-runner.jar') || name === 'quarkus-run.jar')
  if (runner === undefined) throw new Error(`there is no jar to be run in ${into}: remove it, and try again.`)
  return join(into, runner)
}

/** The class path of the serialisers for Java. */
export function serdeJars() {
  const into = once('serde', readFileSync(pom, 'utf8'), (aside) =>
    maven(what, '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${aside}`),
  )
  return join(into, '*')
}

function once(name, wanted, copy) {
  const into = join(home, name)
  return copiedOnce({ into, mark: `${into}.done`, wanted, saying: `registry: fetching its ${name}` }, copy)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    registryJar()
    serdeJars()
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
