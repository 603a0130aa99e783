// Which modules a project needs beside those that are always loaded, and whether their versions are what was asked for.

import type { Entry } from '../core/entry.ts'
import { errorText } from '../core/error.ts'
import { isMap } from '../core/value.ts'
import type { Diagnostic } from './diagnostic.ts'
import { allowsVersion } from './versions.ts'

/** An `ns.dependency`. */
export interface Dependency {
  /** Id of the entry. */
  readonly entry: string
  /** `org/module` */
  readonly component: string
  readonly constraint: string
}

export function dependenciesOf(entries: readonly Entry[]): Dependency[] {
  return entries.flatMap((entry) => {
    if (entry.kind !== 'ns.dependency' || !isMap(entry.data)) return []
    const { component, version } = entry.data as { component?: unknown; version?: unknown }
    if (typeof component !== 'string' || component === '') return []
    return [
      { entry: entry.id, component, constraint: version === undefined || version === null ? '*' : String(version) },
    ]
  })
}

/** What a module is known by once it is loaded. */
export interface PresentModule {
  readonly name: string
  readonly version: string | undefined
}

/** Dependencies on modules that are there in a version their constraint does not allow. They are loaded all the same. */
export function versionDiagnostics(
  dependencies: readonly Dependency[],
  present: ReadonlyMap<string, PresentModule>,
): Diagnostic[] {
  return dependencies.flatMap(({ entry, component, constraint }): Diagnostic[] => {
    const version = present.get(component)?.version
    try {
      if (version === undefined || allowsVersion(constraint, version)) return []
    } catch (error) {
      return [{ level: 'warn', entry, message: `entry ${entry}: ${errorText(error)}` }]
    }
    const message = `entry ${entry}: needs ${component} ${constraint}, but version ${version} is installed`
    return [{ level: 'warn', entry, message, hint: `run "wippy update ${component}"` }]
  })
}
