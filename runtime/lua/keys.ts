// Keys of a VM's registry, used as light userdata. Threads sit under their own address (a multiple of 8), cached strings under
// theirs plus 4 or 6, process environments under the main thread's plus 2, parked values under odd numbers: none can meet.

export const KEY = {
  /** `(…) -> function`: runs the chunk in a fresh environment and answers the method. */
  open: 2,
  channel: 4,
  subscription: 6,
  message: 8,
  payload: 10,
  error: 12,
  selectCase: 14,
  collect: 16,
  /** The loaded method of a pooled function, and of processes that share one. */
  method: 18,
  freeze: 20,
  hostFunction: 22,
  /** Channels that only Lua keeps alive, by handle. */
  loose: 24,
  /** First of the metatables of LuaTypes; they take even numbers upwards. */
  types: 64,
} as const

export const parkedKey = (slot: number): number => slot * 2 + 1
export const environmentKey = (mainThread: number): number => mainThread + 2
export const cachedTextKey = (pointer: number): number => pointer + 4
export const cachedTopicKey = (pointer: number): number => pointer + 6
