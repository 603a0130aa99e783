// What the main thread and a worker thread say to each other: operations by number, each with its fields in order. Defined once,
// for both ends. "main" is the thread that holds the registry and all relations of processes; the others only run Lua.

/**
 * Definitions the rest refers to. They are taken in as soon as they are read, before operations that wait, for the answer to a
 * question asked meanwhile may already refer to them.
 */
export const DEFINE = {
  /** id, packed program */
  program: 1,
  /** id, packed frame */
  frame: 2,
  /** channel, serial of its process, capacity: a channel that a module of the main thread feeds */
  channel: 3,
} as const
export const LAST_DEFINITION = 15

/** From the main thread to a worker. */
export const TO_WORKER = {
  /** serial, host, program, frame, arguments, parent's serial and host, whether somebody waits until it has loaded */
  spawn: 16,
  /** serial, topic, sender's pid, cell, values */
  deliver: 17,
  /** serial, kind, from, at, and what the kind carries */
  event: 18,
  /** serial, error */
  terminate: 19,
  /** call, program, workers at most, frame, arguments */
  call: 20,
  /** call */
  cancel: 21,
  /** question, how it went, what it came to */
  answer: 22,
  /** channel, value, only if there is room */
  push: 24,
  closeChannel: 25,
  loosenChannel: 26,
  /** program: no new process will use it */
  retire: 27,
  frameGone: 28,
  /** Answers about definitions and functions may have changed. */
  forget: 29,
  /** host, whether processes may be started on it without asking */
  host: 30,
  /** percent: how much heaps grow before they are collected */
  gcPercent: 31,
  /** question, whether everything is collected first → `TO_MAIN.report` */
  report: 32,
  /** serial, milliseconds of CPU that the main thread spent for it */
  charge: 33,
  /** serial: somebody looks for a process the main thread was not told of → `TO_MAIN.announce`, if it has not ended meanwhile */
  meet: 34,
} as const

/** From a worker to the main thread. */
export const TO_MAIN = {
  /** serial, host, definition, frame, limits, parent's serial and host: a call's process that others may meet */
  introduce: 40,
  /**
   * serial, host, definition, frame, limits, parent's serial and host, whether it monitors, whether it links, when it started: one
   * started here
   */
  announce: 41,
  started: 42,
  /** serial, error */
  notStarted: 43,
  /** serial, error, result, slices */
  ended: 44,
  /** serial, definition, limits */
  upgraded: 45,
  /** serial, topic, sender's pid, cell, values */
  deliver: 46,
  /** call, error, result */
  result: 47,
  /** question */
  abort: 48,
  /** object or function, how often it had been mentioned */
  released: 49,
  /** channel, whether something was in it */
  channelCollected: 50,
  /** pid, text, where */
  print: 51,
  /** text of an error that is ours */
  broken: 52,
  /** frame, action, resource */
  denied: 53,
  /**
   * question, bytes of Lua states, host objects, slices of processes that ended without being told of, and of each process: serial,
   * state, coroutines, queued, cpu, slices
   */
  report: 54,
} as const

/** Questions of a worker; the first field is the question's number. */
export const ASK = {
  /** pid or name → where messages for it go */
  locate: 64,
  /** definition → program */
  definition: 65,
  /** function id → program and workers, or null when it must be called in the main thread */
  function: 66,
  /** frame, whether its confinement is meant, action, resource, attributes → effect */
  evaluate: 67,
  /** module name → its table */
  open: 68,
  /** serial, function, where, arguments, whether the thread stands still meanwhile → what it returns */
  invoke: 69,
  /** object, question, argument → its text, field, method, or how it compares */
  inspect: 70,
  /** parent's serial, definition, host, arguments, monitor, link → pid */
  spawn: 71,
  /** frame, function id, arguments → its result */
  call: 72,
  /** → first of a run of serials that are this worker's to give (living.ts) */
  serials: 73,
} as const

/** How a question was answered. */
export const ANSWER = { value: 0, error: 1, raise: 2 } as const

/** Words of the memory shared between the main thread and one worker. */
export const SHARED = {
  /** Counts what was posted to the worker: it wakes one that waits for an answer. */
  posted: 0,
  /** Bytes that the main thread has worked off, wrapping around. */
  consumed: 1,
  /** Turns of the worker's loop. */
  beat: 2,
  /** Whether the worker is running, waits for the main thread, or is idle. */
  state: 3,
  /** Living processes that the main thread was not told of. */
  unmet: 4,
  words: 5,
} as const
export const WORKER_STATE = { idle: 0, running: 1, waiting: 2 } as const
