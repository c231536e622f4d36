// The jars of a Kafka Connect worker and of two connectors, copied once by Maven into .kafka/connect; run as a program it only
// does that. 62 MB.
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { copiedOnce, maven } from '../../kafka/copied-once.mjs'

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
  // Neither is among the connectors: the worker looks through all that is there.
  const mark = join(home, basename(pom))
  const aside = join(home, `aside-${process.pid}`)
  const wanted = readFileSync(pom, 'utf8')
  copiedOnce({ into, mark, wanted, aside, saying: `connect: fetching what ${pom} names` }, () => {
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${aside}`]
    maven('the jars of Kafka Connect', '-f', pom, ...goal, ...args)
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    connectJars()
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
