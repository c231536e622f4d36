// The jars of a Kafka broker and its tools, copied once by Maven into .kafka/libs; run as a program it only does that. With
// KAFKA_VERSION, such as 3.9.1, those of that version, in a folder of its own.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const home = join(here, '..', '..', '.kafka')
const version = process.env.KAFKA_VERSION
const libs = join(home, version ? `libs-${version}` : 'libs')

/** A sentence when Java or Maven is missing, undefined when a broker can be started. */
export function missingTool() {
  if (!runs('java', '-version'))
    return 'java was not found: install a Java runtime, 17 or later, and put it on the PATH.'
  if (!copied() && !runs('mvn', '-version'))
    return 'mvn was not found: install Maven; it fetches the jars of the broker.'
  return undefined
}

/** The class path of the broker. Throws when the jars cannot be had. */
export function classPath() {
  if (!copied()) copy()
  return join(libs, '*')
}

function copied() {
  const pomOfCopy = join(libs, 'pom.xml')
  return existsSync(pomOfCopy) && readFileSync(pomOfCopy, 'utf8') === pom()
}

function copy() {
  // Copied aside and renamed, so that an interrupted copy is never taken for a whole one.
  const aside = `${libs}-${process.pid}`
  mkdirSync(aside, { recursive: true })
  process.stderr.write('kafka: fetching the jars of the broker with Maven, once\n')
  const args = ['-q', '-B', '-f', join(here, 'pom.xml'), 'dependency:copy-dependencies', `-DoutputDirectory=${aside}`]
  if (version) args.push(`-Dkafka.version=${version}`)
  const { status } = spawnSync('mvn', args, { stdio: ['ignore', 2, 2] })
  if (status !== 0) {
    rmSync(aside, { recursive: true, force: true })
    throw new Error('Maven could not fetch the jars of the broker; what it said is above.')
  }
  writeFileSync(join(aside, 'pom.xml'), pom())
  rmSync(libs, { recursive: true, force: true })
  renameSync(aside, libs)
}

function pom() {
  return readFileSync(join(here, 'pom.xml'), 'utf8')
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
