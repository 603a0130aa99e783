// The `uuid` module: making, checking and taking apart UUIDs (RFC 9562).
// Reads what Go's parser reads: the usual form, 32 hex digits, braces, and `urn:uuid:`.

import { randomUUID } from 'node:crypto'
import { moduleError } from '../core/error.ts'
import type { Value } from '../core/value.ts'
import { uuidV1, uuidV3, uuidV5, uuidV7 } from '../external/uuid.ts'
import type { Call, LuaModule } from '../lua/module.ts'

export const uuidModule: LuaModule = {
  name: 'uuid',
  description: 'UUID generation and inspection',
  traits: ['nondeterministic'],
  open: () => ({
    v1: () => uuidV1(),
    v3: (_call: Call, namespace: unknown, name: unknown) => uuidV3(nameBytes(name), namespaceOf(namespace)),
    v4: () => randomUUID(),
    v5: (_call: Call, namespace: unknown, name: unknown) => uuidV5(nameBytes(name), namespaceOf(namespace)),
    v7: () => uuidV7(),
    validate: (_call: Call, value: unknown) => readUuid(value) !== undefined,
    version: (_call: Call, value: unknown) => versionOf(uuidBytes(value)),
    variant: (_call: Call, value: unknown) => variantOf(uuidBytes(value)),
    parse: (_call: Call, value: unknown) => describe(uuidBytes(value)),
    format(_call: Call, value: unknown, form: unknown) {
      const bytes = uuidBytes(value)
      if (form !== undefined && form !== null && typeof form !== 'string') {
        throw moduleError('Invalid', 'format must be a string')
      }
      const format = forms[form ?? 'standard']
      if (format === undefined) {
        throw moduleError('Invalid', `unsupported format ${JSON.stringify(form)}: use standard, simple or urn`)
      }
      return format(hex(bytes))
    },
  }),
}

const forms: Readonly<Record<string, (hex: string) => string>> = {
  __proto__: null as never,
  standard: dashed,
  simple: (digits) => digits,
  urn: (digits) => `urn:uuid:${dashed(digits)}`,
}

function dashed(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

const dashedForm = /^(?:urn:uuid:)?([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i
const plainForm = /^[0-9a-f]{32}$/i

function readUuid(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'string') return undefined
  const text = /^\{.{36}\}$/.test(value) ? value.slice(1, -1) : value
  if (plainForm.test(text)) return Buffer.from(text, 'hex')
  const groups = dashedForm.exec(text)
  return groups === null ? undefined : Buffer.from(groups.slice(1).join(''), 'hex')
}

/** More of a wrong text says no more. */
const SHOWN = 64

function uuidBytes(value: unknown, what = 'UUID'): Uint8Array {
  if (typeof value !== 'string') throw moduleError('Invalid', `${what} must be a string`)
  const bytes = readUuid(value)
  if (bytes === undefined) throw moduleError('Invalid', `invalid ${what} ${JSON.stringify(value.slice(0, SHOWN))}`)
  return bytes
}

function namespaceOf(value: unknown): Uint8Array {
  return uuidBytes(value, 'namespace UUID')
}

function nameBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') return Buffer.from(value, 'utf8')
  throw moduleError('Invalid', 'name must be a string')
}

function versionOf(bytes: Uint8Array): number {
  return (bytes[6] ?? 0) >> 4
}

/** The names Go's uuid package gives to the top bits of byte 8. */
function variantOf(bytes: Uint8Array): string {
  const byte = bytes[8] ?? 0
  if ((byte & 0xc0) === 0x80) return 'RFC4122'
  if ((byte & 0xe0) === 0xc0) return 'Microsoft'
  if ((byte & 0xe0) === 0xe0) return 'Future'
  return 'Reserved'
}

function describe(bytes: Uint8Array): { [key: string]: Value } {
  const version = versionOf(bytes)
  const digits = hex(bytes)
  const parts: { [key: string]: Value } = { version, variant: variantOf(bytes) }
  if (version === 1) {
    // 100 ns steps since 1582-10-15, the low field first.
    const steps = BigInt(`0x${digits.slice(13, 16)}${digits.slice(8, 12)}${digits.slice(0, 8)}`)
    parts['timestamp'] = Number((steps - 0x01b21dd213814000n) / 10_000_000n)
    parts['node'] = digits.slice(20).replace(/..(?=.)/g, '$&:')
  }
  if (version === 7) parts['timestamp'] = Math.floor(Number.parseInt(digits.slice(0, 12), 16) / 1000)
  return parts
}
