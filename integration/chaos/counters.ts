/** What was done to the app, for the result of a run. */
export interface Counters {
  kills: number
  zombies: number
  /** Zombies that said, once awake, that they had been thrown out. */
  zombiesToldSo: number
  scaleSteps: number
  brokerRestarts: number
  networkFaults: number
  diskFaults: number
  topicFaults: number
  partitionsAdded: number
  checkpoints: number
}

export const noCounts = (): Counters => ({
  kills: 0,
  zombies: 0,
  zombiesToldSo: 0,
  scaleSteps: 0,
  brokerRestarts: 0,
  networkFaults: 0,
  diskFaults: 0,
  topicFaults: 0,
  partitionsAdded: 0,
  checkpoints: 0,
})
