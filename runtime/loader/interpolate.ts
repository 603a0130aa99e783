// Puts the content of files where a definition says `file://…`. Paths are resolved and confined by the source root.

import { asRuntimeError } from '../core/error.ts'
import { emptyMap, isMap, type Value } from '../core/value.ts'
import { type Definition, DefinitionError, type FileReference } from './definition.ts'
import type { SourceRoot } from './source-root.ts'

export interface Interpolated {
  readonly tree: Value
  /** The files whose content is in the tree, absolute, with where it is. */
  readonly files: readonly InterpolatedFile[]
}

export interface InterpolatedFile {
  readonly file: string
  /** Keys and indexes from the top of the definition to the content. */
  readonly path: readonly (string | number)[]
}

/** The tree of a definition with every reference replaced; `read` gives the content of a located file. */
export function interpolate(
  definition: Definition,
  inside: string,
  root: SourceRoot,
  read: (file: string) => Value,
): Interpolated {
  if (definition.references.length === 0) return { tree: definition.tree, files: [] }
  const files: InterpolatedFile[] = []
  const contents = definition.references.map((reference) => {
    try {
      const file = root.locate(root.resolve(reference.text, inside))
      files.push({ file, path: reference.path })
      return read(file)
    } catch (error) {
      throw new DefinitionError(`${reference.text}: ${asRuntimeError(error).message}`, reference.mark)
    }
  })
  return { tree: replaced(definition.tree, definition.references, contents, 0), files }
}

/** A tree with values put at the paths of references; what no path goes through is shared, not copied. */
function replaced(tree: Value, references: readonly FileReference[], contents: readonly Value[], depth: number): Value {
  const first = references[0]
  if (first === undefined) return tree
  if (first.path.length === depth) return contents[0] ?? null
  const under = new Map<string | number, { references: FileReference[]; contents: Value[] }>()
  for (const [index, reference] of references.entries()) {
    const step = reference.path[depth] ?? ''
    const group = under.get(step) ?? { references: [], contents: [] }
    group.references.push(reference)
    group.contents.push(contents[index] ?? null)
    under.set(step, group)
  }
  if (Array.isArray(tree)) {
    const list = [...tree]
    for (const [step, group] of under) {
      list[Number(step)] = replaced(list[Number(step)] ?? null, group.references, group.contents, depth + 1)
    }
    return list
  }
  const map = Object.assign(emptyMap(), isMap(tree) ? tree : {})
  for (const [step, group] of under) {
    map[step] = replaced(map[step] ?? null, group.references, group.contents, depth + 1)
  }
  return map
}
