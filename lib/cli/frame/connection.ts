import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { holdsOptions } from '../../core/options.js'
import { reasonOf } from '../../core/errors.js'
import type { KafkaOptions } from '../../kafka/connection/options.js'
import { CliError } from './exits.js'

export interface ConnectionSettings {
  readonly brokers?: string | undefined
  readonly config?: string | undefined
}

type Fields = Readonly<Record<string, unknown>>

/**
 * From the file, over it the environment, over it `--brokers`; below all what the program says. Undefined when none of them says where the brokers
 * are. What they hold is checked by `kafkaLog`.
 */
export async function kafkaOptions(
  { brokers, config }: ConnectionSettings,
  env: NodeJS.ProcessEnv,
  ofProgram: KafkaOptions | undefined,
): Promise<KafkaOptions | undefined> {
  const file = config === undefined ? {} : await fileOptions(config)
  const named = brokers?.split(',').map((address) => address.trim())
  const options = { clientId: 'millrace-cli', ...ofProgram, ...file, ...ofEnvironment(env) }
  const all = named === undefined ? options : { ...options, brokers: named }
  return 'brokers' in all ? (all as unknown as KafkaOptions) : undefined
}

/** Passwords stand here or in the file: others on the machine see command lines. */
function ofEnvironment(env: NodeJS.ProcessEnv): Fields {
  const { MILLRACE_SSL: ssl, MILLRACE_SASL_USERNAME: username, MILLRACE_SASL_PASSWORD: password } = env
  if (ssl !== undefined && !['true', 'false'].includes(ssl))
    throw new CliError('usage', `MILLRACE_SSL is set to something else than 'true' or 'false'`)
  if ((username === undefined) !== (password === undefined))
    throw new CliError('usage', 'of MILLRACE_SASL_USERNAME and MILLRACE_SASL_PASSWORD one is set: set both, or none')
  const mechanism = env.MILLRACE_SASL_MECHANISM ?? 'plain'
  return {
    ...(ssl === undefined ? {} : { ssl: ssl === 'true' }),
    ...(username === undefined ? {} : { sasl: { mechanism, username, password } }),
  }
}

/** Kafka options as JSON. Of `ssl`, `caFile`, `certFile` and `keyFile` name files beside it in the place of `ca`, `cert` and `key`. */
async function fileOptions(path: string): Promise<Fields> {
  const options = jsonOf(path, await textOf(path))
  if (!holdsOptions(options))
    throw new CliError('usage', `--config ${path} holds no object: { "brokers": ["host:9092"], … }`)
  const { ssl, ...others } = options as Fields
  if (!holdsOptions(ssl)) return options as Fields
  const read: Record<string, unknown> = { ...(ssl as Fields) }
  for (const name of ['ca', 'cert', 'key']) {
    const file = read[`${name}File`]
    if (file === undefined) continue
    if (typeof file !== 'string') throw new CliError('usage', `--config ${path}: ssl.${name}File is no name of a file`)
    read[name] = await textOf(resolve(dirname(path), file))
    delete read[`${name}File`]
  }
  return { ...others, ssl: read }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new CliError('usage', `${path} cannot be read: ${reasonOf(error)}`, error)
  }
}

/** What the parser says is left out: it repeats a part of the text, which may be a password. */
function jsonOf(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new CliError(
      'usage',
      `--config ${path} is not JSON: { "brokers": ["host:9092"], "ssl": true, "sasl": { … } }`,
    )
  }
}
