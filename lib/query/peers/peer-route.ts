import { MillraceError } from '../../core/errors.js'
import { json } from '../../http/answers.js'
import { statusOf } from '../../http/http-error.js'
import type { Route } from '../../http/route.js'
import { readToken } from '../../log/client/commit-token.js'
import type { Engine } from '../../runtime/engine.js'
import { Deadline } from '../local/deadline.js'
import { demandTokens, untilCommitted } from '../local/committed.js'
import { KindAt } from '../local/kind-at.js'
import { notHere, type LocalState } from '../local/local-state.js'
import { standbyRead } from '../local/standby-state.js'
import {
  questionIn,
  type GetAnswer,
  type GetQuestion,
  type PageAnswer,
  type PeerQuestion,
  type TaskAnswer,
} from './messages.js'
import { peerPath } from './peer.js'

/** What this instance answers others: for itself only, so nothing is forwarded twice. */
export function peerRoute(engine: Engine, local: LocalState): Route {
  return {
    method: 'POST',
    path: peerPath,
    access: 'read',
    async handle(call) {
      const question = questionIn(await call.json())
      try {
        return json(await answered(engine, local, question, call.signal))
      } catch (error) {
        // What is wrong is told as it is: instances of an app have no secrets from each other.
        if (!MillraceError.is(error)) throw error
        const { code, message, kind, key, topic, partition, offset } = error
        return json({ error: { code, message, kind, key, topic, partition, offset } }, { status: statusOf(error) })
      }
    },
  }
}

function answered(
  engine: Engine,
  local: LocalState,
  question: PeerQuestion,
  signal: AbortSignal,
): TaskAnswer | Promise<GetAnswer | PageAnswer> {
  if (question.op === 'task') return { state: local.whereIs(question.task) }
  const kind = new KindAt(engine, question.kind)
  return question.op === 'get' ? found(engine, local, kind, question, signal) : page(local, kind, question)
}

async function found(
  engine: Engine,
  local: LocalState,
  kind: KindAt,
  { key, after, timeoutMs, stale }: GetQuestion,
  signal: AbortSignal,
): Promise<GetAnswer> {
  const place = kind.place(key)
  const { task } = place
  const { instance, clock } = engine.options
  const deadline = new Deadline(clock, timeoutMs, signal)
  if (stale && local.whereIs(task) !== 'running') {
    const copy = await standbyRead(engine, kind, place, new Deadline(clock, standbyMs, signal))
    if (copy === undefined) throw notHere(local.whereIs(task), kind.definition.name, task, key)
    const { stored, offset } = copy
    return {
      stored: stored ?? null,
      task,
      offset,
      instance,
      stale: { records: copy.stale.records ?? null, ms: copy.stale.ms },
    }
  }
  const tokens = after.flatMap((token) => readToken(token))
  demandTokens(engine, kind, tokens)
  if (tokens.length > 0) await untilCommitted(local, kind, place, tokens, deadline)
  const { stored, offset } = local.read(kind, place)
  return { stored: stored ?? null, task, offset, instance, stale: null }
}

async function page(
  local: LocalState,
  kind: KindAt,
  { task, prefix, after, limit }: Extract<PeerQuestion, { op: 'page' }>,
): Promise<PageAnswer> {
  return local.page(kind, task, { prefix, after: after ?? undefined, limit: Math.max(1, limit) })
}

const standbyMs = 1_000
