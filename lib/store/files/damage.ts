/** Files of a store that contradict each other or their checksums; named as LevelDB names what it finds itself. */
export class Damage extends Error {
  readonly code = 'LEVEL_CORRUPTION'
}
