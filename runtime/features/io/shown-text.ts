// Values as text, the way Lua's `tostring` shows them.

import { RuntimeError } from '../../core/error.ts'
import { LuaObject, luaTypeName } from '../../lua/module.ts'

/** The text of one value; bytes stay bytes. */
export function shownText(value: unknown): string | Uint8Array {
  if (value === null || value === undefined) return 'nil'
  if (typeof value === 'string' || value instanceof Uint8Array) return value
  if (typeof value === 'number') return numberText(value)
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (value instanceof RuntimeError) return value.text
  if (value instanceof LuaObject) return value.type.spec.tostring?.(value.value) ?? value.type.spec.name
  return luaTypeName(value)
}

/** `%.14g`, integral floats without a fraction (design/ENGINE.md). */
function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return Object.is(value, -0) ? '-0' : String(value)
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf'
  const [digits = '', exponent] = value.toPrecision(14).split('e')
  const short = digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits
  if (exponent !== undefined) return `${short}e${exponent.replace(/^([+-])(\d)$/, '$10$2')}`
  // JavaScript turns to exponents below 1e-6, C's %g below 1e-4.
  const power = Math.floor(Math.log10(Math.abs(value)))
  return power < -4 ? numberText14(value, power) : short
}

function numberText14(value: number, power: number): string {
  const [digits = ''] = value.toExponential(13).split('e')
  const short = digits.replace(/\.?0+$/, '')
  return `${short}e-${String(-power).padStart(2, '0')}`
}

/** Texts side by side, as bytes if one of them is. */
export function joinText(parts: readonly (string | Uint8Array)[], between: string, end: string): string | Uint8Array {
  if (parts.every((part) => typeof part === 'string')) return parts.join(between) + end
  const pieces = parts.flatMap((part, index) => (index === 0 ? [part] : [between, part]))
  return Buffer.concat([...pieces, end].map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)))
}
