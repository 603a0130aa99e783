// Entry ids: `namespace:name`, split at the first colon (spec/registry.md §4).

export interface ParsedId {
  readonly ns: string
  readonly name: string
}

/** Never fails: a string without a colon has the empty namespace. */
export function parseId(id: string): ParsedId {
  const colon = id.indexOf(':')
  return colon < 0 ? { ns: '', name: id } : { ns: id.slice(0, colon), name: id.slice(colon + 1) }
}

export function formatId(ns: string, name: string): string {
  return `${ns}:${name}`
}

/** A bare name belongs to the namespace it is written in; a full id stays as it is. */
export function resolveId(reference: string, ns: string): string {
  return reference.includes(':') ? reference : formatId(ns, reference)
}

/** Text of a missing id in error messages: a bare name prints with an empty namespace. */
export function showId(id: string): string {
  return id.includes(':') ? id : `:${id}`
}
