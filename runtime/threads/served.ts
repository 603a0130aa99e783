// The words in which modules of the main thread are described to a worker: members of their tables, and what crosses by number.

/** What stands for an object that lives in the main thread. */
export const RESIDENT = { object: 0, function: 1, channel: 2 } as const

/** A member of a module's table: `[kind, content]`. */
export const MEMBER = {
  /** A function, an object, or a constant, as it crosses anyway. */
  value: 0,
  /** A function against the stack: the worker has its own. */
  raw: 1,
  /** `[name, member]` pairs. */
  table: 2,
} as const

export const INSPECT = { text: 0, field: 1, method: 2, equal: 3, less: 4 } as const
