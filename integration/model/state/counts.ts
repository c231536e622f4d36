/** What a run has seen: a case that never sees a rebalance proves nothing. */
export interface Counts {
  inPlace: number
  hops: number
  crossings: number
  generations: number
  retained: number
  takeovers: number
  rolledForward: number
  fromStandby: number
  commits: number
  resent: number
  finishedForLost: number
  aborts: number
  fenced: number
  thrown: number
  refused: number
  blamed: number
  timersFired: number
  late: number
  parked: number
  landed: number
  cutOff: number
}

export function newCounts(): Counts {
  return {
    inPlace: 0,
    hops: 0,
    crossings: 0,
    generations: 0,
    retained: 0,
    takeovers: 0,
    rolledForward: 0,
    fromStandby: 0,
    commits: 0,
    resent: 0,
    finishedForLost: 0,
    aborts: 0,
    fenced: 0,
    thrown: 0,
    refused: 0,
    blamed: 0,
    timersFired: 0,
    late: 0,
    parked: 0,
    landed: 0,
    cutOff: 0,
  }
}
