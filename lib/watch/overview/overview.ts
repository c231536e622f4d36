import { reasonOf } from '../../core/errors.js'
import type { Clock } from '../../core/clock.js'
import type { AppMember } from '../../runtime/membership/members.js'
import type { Instance } from './instance.js'
import type { Peers } from './peers.js'
import { isReport } from './report-check.js'
import type { InstanceReport, MemberView, Snapshot } from './shapes.js'

/** An instance that does not answer within this is shown as away. */
const patienceMs = 900

/** The app as a whole, gathered from all its instances by this one. */
export class Overview {
  readonly #instance: Instance
  readonly #peers: Peers
  readonly #clock: Clock

  constructor(instance: Instance, peers: Peers, clock: Clock) {
    this.#instance = instance
    this.#peers = peers
    this.#clock = clock
  }

  /** Never rejects. */
  async snapshot(): Promise<Snapshot> {
    const { state, members } = await this.#peers.group()
    const own = this.#instance.report
    const views = await Promise.all(members.map((member) => this.#view(member, own)))
    const isMember = members.some(({ instance }) => instance === own.instance)
    return {
      at: this.#clock.now(),
      app: own.app,
      asked: own.instance,
      group: state,
      members: (isMember ? views : [...views, alone(own)]).sort(byName),
    }
  }

  async #view(member: AppMember, own: InstanceReport): Promise<MemberView> {
    const { instance, host, http, tasks, standbys } = member
    const known = { instance, host, http, tasks, standbys }
    if (instance === own.instance) return { ...known, report: own, away: undefined }
    try {
      const report = await this.#peers.ask(member, { path: '/api/instance', timeoutMs: patienceMs })
      if (isReport(report, own.app)) return { ...known, report, away: undefined }
      return {
        ...known,
        report: undefined,
        away: 'its answer has no form that is known here: it may be of another version',
      }
    } catch (error) {
      return { ...known, report: undefined, away: reasonOf(error) }
    }
  }
}

/** It runs, and is in no group yet, or not any more. */
function alone(report: InstanceReport): MemberView {
  const { instance, tasks, standbys } = report
  return {
    instance,
    host: '',
    http: undefined,
    tasks: tasks.map(({ task }) => task),
    standbys: standbys.map(({ task }) => task),
    report,
    away: undefined,
  }
}

const byName = (a: MemberView, b: MemberView): number =>
  a.instance < b.instance ? -1 : a.instance > b.instance ? 1 : 0
