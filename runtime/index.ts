// The public API of the package: what an embedding program uses. Publishing a name here is a decision.

export { type Clock, type ManualClock, manualClock, systemClock } from './core/clock.ts'
// Entries and values, as the registry holds them.
export type { Entry, Origin } from './core/entry.ts'
export { type ErrorKind, RuntimeError } from './core/error.ts'
export { type Actor, emptyFrame, type Frame, type Scope } from './core/frame.ts'
export type { SecurityBlock } from './core/security-block.ts'
export type { Value, ValueMap } from './core/value.ts'
// Hosts: a whole Wippy system in this process.
export { createHost, type Host, type HostOptions, type Outcome, type SpawnOptions } from './create-host.ts'
export type { BusEvent, BusFilter } from './features/events/bus.ts'
// Extending the runtime: Lua modules and entry kinds in TypeScript.
export {
  type Call,
  type LuaChannel,
  type LuaModule,
  LuaObject,
  LuaType,
  raise,
  results,
  type Trait,
} from './lua/module.ts'
export { createLogger, type Logger, type LogRecord, type LogSink, silentLogger } from './observe/logger.ts'
export { type Docs, openDocs } from './open-docs.ts'
export { implicitTerminal, type OpenProject, openProject, type ProjectOptions, packageBundle } from './open-project.ts'
export { type OpenRegistry, openRegistry } from './open-registry.ts'
export type { HostView, ProcessView } from './process/inspection.ts'
export type { Listener, Received } from './process/listener.ts'
// The terminal of terminal processes: standard input and output, with one owner.
export { Terminal, type TerminalOptions } from './process/terminal.ts'
export type { Change } from './registry/changeset.ts'
export type { Version } from './registry/history.ts'
export type { Kind, Opened, Opening } from './registry/kind.ts'
// The registry: what `host.registry` is.
export type { ApplyOptions, Registry } from './registry/registry.ts'
// Identities that entries declare, for kinds that run code.
export { readSecurity, requireDeclared, securer } from './security/declared.ts'
export type { Service, ServiceExit } from './supervisor/service.ts'
