// The jars of a Kafka broker and its tools, copied once by Maven into .kafka/libs; run as a program it only does that. With
// KAFKA_VERSION, such as 3.9.1, those of that version, in a folder of its own.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { copiedOnce, isCopied, maven } from './copied-once.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const home = join(here, '..', '..', '.kafka')
const pom = join(here, 'pom.xml')
const version = process.env.KAFKA_VERSION
const libs = join(home, version ? `libs-${version}` : 'libs')

/** A sentence when Java or Maven is missing, undefined when a broker can be started. */
export function missingTool() {
  if (!runs('java', '-version'))
    return 'java was not found: install a Java runtime, 17 or later, and put it on the PATH.'
  if (!isCopied(copy()) && !runs('mvn', '-version'))
    return 'mvn was not found: install Maven; it fetches the jars of the broker.'
  return undefined
}

/** The class path of the broker. Throws when the jars cannot be had. */
export function classPath() {
  copiedOnce(copy(), (aside) => {
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${aside}`]
    const ofVersion = version ? [`-Dkafka.version=${version}`] : []
    maven('the jars of the broker', '-f', pom, ...goal, ...ofVersion)
  })
  return join(libs, '*')
}

function copy() {
  const wanted = readFileSync(pom, 'utf8')
  return { into: libs, mark: join(libs, 'pom.xml'), wanted, saying: 'kafka: fetching the jars of the broker' }
}

function runs(command, argument) {
  return spawnSync(command, [argument], { stdio: 'ignore' }).status === 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    classPath()
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
