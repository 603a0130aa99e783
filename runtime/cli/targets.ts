// What `wippy run` and `wippy test` can be pointed at besides the project: an archive, or an application of this package.

import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { RuntimeError } from '../core/error.ts'
import { readManifest } from '../loader/manifest.ts'
import type { Bundle } from '../loader/project.ts'
import { allowsVersion } from '../loader/versions.ts'
import { packageVersion } from './banner.ts'
import { parseReference } from './modules/resolve.ts'

/** The path of an archive. Throws NotFound. */
export function requirePack(file: string): string {
  if (!existsSync(file)) throw new RuntimeError('NotFound', `pack file not found: ${file}`)
  return file
}

/** The name of the bundled application that `org/module[@version]` means. There is no hub to ask: throws NotFound. */
export function requireBundled(reference: string, { apps = {} }: Bundle): string {
  const { name, selector } = parseReference(reference)
  if (!Object.hasOwn(apps, name)) {
    const known = Object.keys(apps)
    const hint = known.length === 0 ? undefined : `Bundled applications: ${known.join(', ')}`
    throw new RuntimeError('NotFound', `module ${name} is not installed and there is no hub to download it from`, {
      details: hint === undefined ? undefined : { hint },
    })
  }
  const version = readManifest(dirname(apps[name] ?? ''))?.version ?? packageVersion()
  if (selector !== undefined && !allowsVersion(selector, version)) {
    throw new RuntimeError(
      'NotFound',
      `module ${name} has no version ${selector} here (this package brings ${version})`,
    )
  }
  return name
}
