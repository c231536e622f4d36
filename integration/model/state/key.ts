export type Key = number
