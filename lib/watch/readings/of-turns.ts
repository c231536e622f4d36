import { timedEvery, type TurnMeter } from '../../turn/inputs/turn-meter.js'
import type { Agenda } from '../../turn/due/agenda.js'
import { counter, gauge, histogram, type Family, type Inside, type Sample } from './family.js'

/** Of each input of each kind, the timers and the closing of windows included. */
function ofInputs({ engine }: Inside, valueOf: (meter: TurnMeter) => Sample[0]): readonly Sample[] {
  const inputs = [...(engine.watch.inside.parts?.sources.values() ?? [])].flatMap((byId) => [...byId.values()])
  return inputs.map(({ kind, id, meter }) => [valueOf(meter), kind.name, id] as const)
}

function ofAgendas({ engine }: Inside, valueOf: (agenda: Agenda) => number): number {
  let sum = 0
  for (const { agenda } of engine.watch.inside.parts?.tasks.running.values() ?? [])
    if (agenda !== undefined) sum += valueOf(agenda)
  return sum
}

const flights = ({ engine }: Inside): { underWay: number; parked: number; queued: number } =>
  engine.watch.inside.parts?.passage.turns.flights.counts ?? { underWay: 0, parked: 0, queued: 0 }

/** What turns come to, and those that wait. */
export const ofTurns: readonly Family[] = [
  counter('turns_total', 'Turns that succeeded, in commits that were made.', ['kind', 'input'], (all) =>
    ofInputs(all, ({ turnsSettled }) => turnsSettled),
  ),
  counter(
    'failed_turns_total',
    'Attempts of turns that failed, each of them, in commits that were made.',
    ['kind', 'input'],
    (all) => ofInputs(all, ({ failedSettled }) => failedSettled),
  ),
  histogram(
    'turn_duration_seconds',
    `Time of turns, from the call of the handler to its end. Of turns that end within the call one in ${timedEvery} of an input is timed, of asynchronous ones each: the count is not that of all turns.`,
    ['kind', 'input'],
    (all) => ofInputs(all, ({ took }) => took),
  ),
  gauge('turns_in_flight', 'Asynchronous turns under way.', [], (all) => flights(all).underWay),
  gauge(
    'turns_parked',
    'Asynchronous turns under way that are kept in the rows of their objects, so that no commit waits for them.',
    [],
    (all) => flights(all).parked,
  ),
  gauge(
    'turns_queued',
    'Turns that wait in memory for one under way on their object.',
    [],
    (all) => flights(all).queued,
  ),
  gauge(
    'retries_waiting',
    'Objects of which a turn has failed and waits for its next attempt, of the tasks that run here.',
    [],
    (all) => ofAgendas(all, ({ retries }) => retries.size),
  ),
  gauge(
    'quarantined_objects',
    'Objects in quarantine, of the tasks that run here: their records become dead letters.',
    [],
    (all) => ofAgendas(all, ({ quarantines }) => quarantines.size),
  ),
  gauge(
    'timers_due',
    'Objects of which a timer, a window, a retry or a time to live is due and has not been looked at, by time.',
    ['time'],
    (all) => {
      const due = (isEvent: boolean) => (agenda: Agenda) => dueOf(agenda, isEvent, all.engine.options.clock.now())
      return [
        [ofAgendas(all, due(false)), 'processing'],
        [ofAgendas(all, due(true)), 'event'],
      ]
    },
  ),
  gauge(
    'timers_near',
    'Objects in memory of which something is due now or soon; what is due later is in the store.',
    [],
    (all) => ofAgendas(all, ({ lanes }) => lanes.reduce((sum, { schedule }) => sum + schedule.size, 0)),
  ),
]

function dueOf({ lanes }: Agenda, isEvent: boolean, now: number): number {
  let sum = 0
  for (const { time, schedule, stream } of lanes)
    if ((time === 'event') === isEvent) sum += schedule.dueBy(stream === undefined ? now : stream.now)
  return sum
}
