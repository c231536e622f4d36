import type { Command } from 'commander'
import { does, type Define } from '../frame/does.js'
import { CliError } from '../frame/exits.js'
import { takes, wholeOf } from '../frame/options.js'
import { flushed, jsonText } from '../frame/output.js'
import type { Session } from '../frame/session.js'
import { plainText, table } from '../frame/table.js'
import { changelogOf, kindsOf, objectOf, objectsIn, type Scan, type StoredObject } from '../stored/changelogs.js'
import { cut } from '../stored/data.js'
import { firstKeys } from '../stored/keys.js'
import { liveChanges, liveList, liveObject } from '../stored/live.js'
import { changesFrom } from '../stored/tail.js'
import { codecOf, decodedValue, storedValue, type ValueOf } from '../stored/values.js'

interface ListOptions {
  readonly prefix?: string
  readonly limit: number
  readonly after?: string
}

export const define: Define = (command) => {
  sub(command, 'get', 'one object').argument('<kind>').argument('<key>').action(does(get))
  sub(command, 'ls', 'the keys of a kind, or without one the kinds')
    .argument('[kind]')
    .option('--prefix <text>', 'what keys begin with')
    .option('-n, --limit <count>', 'so many at most', wholeOf(1, 1_000_000), 100)
    .option('--after <key>', 'those behind this key')
    .action(does(ls))
  sub(command, 'dump', 'all objects of a kind, as JSON lines')
    .argument('<kind>')
    .option('--prefix <text>', 'what keys begin with')
    .action(does(dump))
  sub(command, 'watch', 'changes, as they are committed; until Ctrl-C')
    .argument('<kind>')
    .argument('[key]', 'of this object only')
    .option('--prefix <text>', 'of objects whose keys begin with this')
    .action(does(watch))
}

const sub = (command: Command, name: string, summary: string): Command =>
  takes(command.command(name).summary(summary).description(summary), 'cluster', 'program', 'instance')

const scanOf = (session: Session): Scan => ({
  signal: session.signal,
  onRead: (what) => session.out.progress(what),
})

async function get(session: Session, _options: object, kind: string, key: string): Promise<void> {
  const instance = session.instance()
  const document =
    instance === undefined ? await storedDocument(session, kind, key) : await liveObject(instance, kind, key)
  if (document === undefined) throw new CliError('notFound', `there is no ${kind} '${plainText(cut(key, 200))}'`)
  session.out.result(document, () => jsonText(document, 2))
}

async function storedDocument(session: Session, kind: string, key: string): Promise<object | undefined> {
  const app = await session.app()
  const log = await session.log()
  const found = await objectOf(log, await changelogOf(log, app, kind), key, session.signal)
  return found && documentOf(kind, found, await valueOf(session, app, kind))
}

async function valueOf(session: Session, app: string, kind: string): Promise<ValueOf> {
  const made = await session.program()
  return made === undefined ? storedValue : decodedValue(codecOf(app, made.program.kinds, kind))
}

function documentOf(kind: string, object: StoredObject, read: ValueOf): object {
  const { key, task, offset, version } = object
  return { kind, key, version, task, offset, value: read(object) }
}

async function ls(session: Session, options: ListOptions, kind: string | undefined): Promise<void> {
  const instance = session.instance()
  if (kind === undefined) return await lsKinds(session)
  const rows: (readonly [string, number | undefined, number | undefined])[] = []
  const add = (document: object, row: (typeof rows)[number]): void => {
    rows.push(row)
    if (session.out.json) session.out.item(document, '')
  }
  const { prefix = '', limit, after } = options
  if (instance !== undefined) {
    for await (const object of liveList(instance, kind, { prefix, after, limit: limit + 1 })) {
      if (rows.length === limit) return finish(session, rows, true)
      add({ kind, ...object }, [object.key, object.task, undefined])
    }
    return finish(session, rows, false)
  }
  const app = await session.app()
  const log = await session.log()
  const keys = await firstKeys(
    log,
    await changelogOf(log, app, kind),
    { prefix, after, limit: limit + 1 },
    scanOf(session),
  )
  for (const { key, task, offset } of keys.slice(0, limit)) add({ kind, key, task, offset }, [key, task, offset])
  finish(session, rows, keys.length > limit)
}

const keyWidth = 100

function finish(
  session: Session,
  rows: readonly (readonly [string, number | undefined, number | undefined])[],
  more: boolean,
): void {
  if (!session.out.json)
    session.out.raw(
      rows.length === 0
        ? 'no objects'
        : table(
            ['key', 'task', 'offset'],
            rows.map(([key, ...others]) => [cut(plainText(key), keyWidth), ...others]),
          ),
    )
  if (more) session.out.note(`there are more: --after '${plainText(rows.at(-1)?.[0] ?? '')}'`)
}

async function lsKinds(session: Session): Promise<void> {
  const app = await session.app()
  const kinds = await kindsOf(await session.log(), app)
  if (kinds.length === 0)
    throw new CliError('notFound', `app '${app}' keeps no state on this cluster, or never ran here`)
  session.out.result({ app, kinds }, () => kinds.join('\n'))
}

async function dump(session: Session, { prefix = '' }: ListOptions, kind: string): Promise<void> {
  const instance = session.instance()
  if (instance !== undefined) {
    for await (const object of liveList(instance, kind, { prefix, after: undefined, limit: Infinity })) {
      session.out.raw(jsonText({ kind, ...object }))
      await flushed()
    }
    return
  }
  const app = await session.app()
  const log = await session.log()
  const read = await valueOf(session, app, kind)
  for (const stretch of await changelogOf(log, app, kind)) {
    for await (const objects of objectsIn(log, stretch, (key) => key.startsWith(prefix), scanOf(session))) {
      for (const object of objects) session.out.raw(jsonText(documentOf(kind, object, read)))
      await flushed()
    }
  }
}

async function watch(session: Session, { prefix }: ListOptions, kind: string, key: string | undefined): Promise<void> {
  if (key !== undefined && prefix !== undefined) throw new CliError('usage', 'give a key or a --prefix')
  const instance = session.instance()
  if (instance !== undefined) {
    try {
      for await (const change of liveChanges(instance, kind, { key, prefix })) session.out.raw(jsonText(change))
    } catch (error) {
      // Ctrl-C breaks the stream.
      if (!session.signal.aborted) throw error
    }
    return
  }
  const app = await session.app()
  const log = await session.log()
  const read = await valueOf(session, app, kind)
  const wanted = (each: string): boolean => (key === undefined ? each.startsWith(prefix ?? '') : each === key)
  const stretches = await changelogOf(log, app, kind)
  session.out.note(`watching ${stretches.map(({ topic }) => topic)[0] ?? ''}; Ctrl-C ends it`)
  for await (const objects of changesFrom(log, stretches, wanted, session.signal)) {
    for (const object of objects) session.out.raw(jsonText(documentOf(kind, object, read)))
    await flushed()
  }
}
