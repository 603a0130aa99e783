// Styles in Lua: every method gives a new one.

import { moduleError } from '../../core/error.ts'
import { type Call, LuaType, number, text } from '../../lua/module.ts'
import {
  type Attribute,
  attributeCodes,
  type BorderName,
  borderSigns,
  colorCode,
  render,
  type Sides,
  type Style,
} from './style.ts'

/** More would be a mistake, and would cost memory before anybody sees it. */
const LARGEST = 10_000

export interface StyleTypeDeps {
  /** Whether the output of the caller shows colours. */
  readonly colors: (call: Call) => boolean
}

export function createStyleType({ colors }: StyleTypeDeps): LuaType<Style> {
  type Change = (self: Style, name: string, ...args: unknown[]) => Partial<Style>
  const wrap = (style: Style): unknown => type.wrap(style)
  const setter =
    (name: string, change: Change) =>
    (_call: Call, self: Style, ...args: unknown[]) =>
      wrap({ ...self, ...change(self, `'${name}'`, ...args) })
  const sized =
    (field: 'width' | 'height' | 'maxWidth' | 'maxHeight'): Change =>
    (_self, name, value) => ({
      [field]: size(value, 1, name),
    })
  const attribute =
    (which: Attribute): Change =>
    ({ attributes }, _name, on) => {
      const changed = new Set(attributes)
      if (on === false) changed.delete(which)
      else changed.add(which)
      return { attributes: changed }
    }
  const changes: Record<string, Change> = {
    ...Object.fromEntries(Object.keys(attributeCodes).map((name) => [name, attribute(name as Attribute)])),
    foreground: (_self, name, color) => ({ foreground: checkedColor(color, 1, name) }),
    background: (_self, name, color) => ({ background: checkedColor(color, 1, name) }),
    width: sized('width'),
    height: sized('height'),
    max_width: sized('maxWidth'),
    max_height: sized('maxHeight'),
    padding: (_self, name, ...values) => ({
      padding: fourSides(
        values.map((value, i) => size(value, i + 1, name)),
        name,
      ),
    }),
    margin: (_self, name, ...values) => ({
      margin: fourSides(
        values.map((value, i) => size(value, i + 1, name)),
        name,
      ),
    }),
    align: (_self, name, position) => ({ align: number(position, 1, name) }),
    align_vertical: (_self, name, position) => ({ alignVertical: number(position, 1, name) }),
    inline: (_self, _name, on) => ({ inline: on !== false }),
    border: (_self, name, border, ...on) => ({
      border: {
        name: borderName(text(border, 1, name)),
        sides:
          on.length === 0
            ? [true, true, true, true]
            : fourSides(
                on.map((value) => value === true),
                name,
              ),
      },
    }),
    border_foreground: (_self, name, ...colors) => ({
      borderForeground: fourSides(
        colors.map((color, i) => checkedColor(color, i + 1, name)),
        name,
      ),
    }),
    border_background: (_self, name, ...colors) => ({
      borderBackground: fourSides(
        colors.map((color, i) => checkedColor(color, i + 1, name)),
        name,
      ),
    }),
  }
  const type: LuaType<Style> = new LuaType<Style>({
    name: 'tty.Style',
    methods: {
      ...Object.fromEntries(Object.entries(changes).map(([name, change]) => [name, setter(name, change)])),
      copy: (_call, self) => wrap(self),
      render: (call, self, ...parts: unknown[]) =>
        render(self, parts.map((part, i) => text(part, i + 1, "'render'")).join(' '), colors(call)),
    },
  })
  return type
}

/** One value for all sides, two for vertical and horizontal, three for top, horizontal and bottom, or four. Throws Invalid. */
function fourSides<T>(values: readonly T[], name: string): Sides<T> {
  const [top, right = top, bottom = top, left = right] = values
  if (top === undefined || right === undefined || bottom === undefined || left === undefined || values.length > 4) {
    throw moduleError('Invalid', `${name} takes one to four values, not ${values.length}`)
  }
  return [top, right, bottom, left]
}

function size(value: unknown, position: number, name: string): number {
  const cells = Math.trunc(number(value, position, name))
  if (cells >= 0 && cells <= LARGEST) return cells
  throw moduleError('Invalid', `${name}: ${cells} is not from 0 to ${LARGEST}`)
}

function checkedColor(value: unknown, position: number, name: string): string {
  const color = text(value, position, name)
  colorCode(color, false)
  return color
}

function borderName(name: string): BorderName {
  if (Object.hasOwn(borderSigns, name)) return name as BorderName // just looked
  throw moduleError('Invalid', `border ${JSON.stringify(name)} is not one of ${Object.keys(borderSigns).join(', ')}`)
}
