/** The same shape, to be read only: what queries, row functions and lookups give. */
export type DeepReadonly<T> = T extends Whole
  ? T
  : T extends ReadonlyMap<infer K, infer V>
    ? ReadonlyMap<DeepReadonly<K>, DeepReadonly<V>>
    : T extends ReadonlySet<infer E>
      ? ReadonlySet<DeepReadonly<E>>
      : T extends object
        ? { readonly [P in keyof T]: DeepReadonly<T[P]> }
        : T

/** Mapped field by field these would lose what they are: branded texts and numbers, functions, classes of the language. */
type Whole = Scalar | symbol | Date | RegExp | ArrayBufferView | ((...args: never[]) => unknown)

/** Literals of these types are inferred by a type parameter that extends them; before TypeScript 7 by no other. */
export type Scalar = string | number | bigint | boolean

/** What may be given where a `T` is only read to be written: also what was read before. */
export type Given<T> = T | DeepReadonly<T>
