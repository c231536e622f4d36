/**
 * Names of what a turn has for those who run it. Handlers hold the turn, and in JavaScript nothing but a name that they do not
 * know keeps them from writing to topics past the checks of `emit`, or from taking a deletion back. As cheap as other names.
 */
export const emitted = Symbol('emitted')
export const timers = Symbol('timers')
export const deleted = Symbol('deleted')
/** Says which window the turn is in, and whether it begins with it. */
export const enter = Symbol('enter')
