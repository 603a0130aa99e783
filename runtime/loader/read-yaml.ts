// How the small files of a project (lock, manifest, configuration) are read: through a cache where there is one.

import { readFileSync } from 'node:fs'
import type { Value } from '../core/value.ts'
import { decodeYaml } from '../external/yaml.ts'

/** The value of a YAML file. Throws YamlError, or what the file system says. */
export type ReadYaml = (file: string) => Value

export const readYamlFile: ReadYaml = (file) => decodeYaml(readFileSync(file, 'utf8'))
