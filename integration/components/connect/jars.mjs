// The jars of a Kafka Connect worker and of two connectors, copied once by Maven into .kafka/connect; run as a program it only
// does that. 62 MB.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const home = join(here, '..', '..', '..', '.kafka', 'connect')

/** What the worker has must not be there a second time: with jackson beside a connector all its tasks die when they load it. */
const hasWorker =
  'kafka-clients,connect-api,connect-json,slf4j-api,jackson-core,jackson-databind,jackson-annotations,zstd-jni,snappy-java,lz4-java'
const otherDrivers = 'ojdbc11,mssql-jdbc,mysql-connector-j,mariadb-java-client'

const sets = {
  'worker-pom.xml': { into: 'libs', args: [] },
  'file-sink-pom.xml': { into: 'plugins/file', args: [] },
  'jdbc-sink-pom.xml': { into: 'plugins/debezium-jdbc', args: [`-DexcludeArtifactIds=${hasWorker},${otherDrivers}`] },
}

/** The class path of the worker, and the folder with a folder for each connector. Throws when the jars cannot be had. */
export function connectJars() {
  for (const [pom, { into, args }] of Object.entries(sets)) copyOnce(join(here, pom), join(home, into), args)
  return { classPath: join(home, 'libs', '*'), plugins: join(home, 'plugins') }
}

function copyOnce(pom, into, args) {
  // Not in the folder: the worker looks through all that is in one of a connector.
  const done = join(home, basename(pom))
  const wanted = readFileSync(pom, 'utf8')
  if (existsSync(done) && readFileSync(done, 'utf8') === wanted) return
  // Copied aside and renamed, so that an interrupted copy is never taken for a whole one.
  const aside = join(home, `aside-${process.pid}`)
  mkdirSync(aside, { recursive: true })
  process.stderr.write(`connect: fetching what ${pom} names with Maven, once\n`)
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${aside}`]
  const { error, status } = spawnSync('mvn', ['-q', '-B', '-f', pom, ...goal, ...args], { stdio: ['ignore', 2, 2] })
  if (status !== 0) {
    rmSync(aside, { recursive: true, force: true })
    throw new Error(
      error === undefined
        ? 'Maven could not fetch the jars of Kafka Connect; what it said is above.'
        : 'mvn was not found: install Maven; it fetches the jars of Kafka Connect.',
    )
  }
  mkdirSync(dirname(into), { recursive: true })
  rmSync(into, { recursive: true, force: true })
  renameSync(aside, into)
  writeFileSync(done, wanted)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    connectJars()
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
