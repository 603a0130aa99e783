// Key bindings: patterns such as `ctrl+c`, and whether an event of a key fits one.

import { moduleError } from '../../core/error.ts'
import { isMap } from '../../core/value.ts'
import { type LuaObject, LuaType, list, optionalTable, optionalText, text } from '../../lua/module.ts'

export interface Binding {
  readonly patterns: ReadonlySet<string>
  readonly help: { readonly key: string; readonly desc: string }
  enabled: boolean
}

const modifiers = ['ctrl', 'alt', 'shift'] as const
const aliases: Readonly<Record<string, string>> = {
  space: ' ',
  escape: 'esc',
  return: 'enter',
  pageup: 'pgup',
  pagedown: 'pgdown',
}

/** One spelling for each key with its modifiers. Throws Invalid. */
function pattern(written: string): string {
  const [, before = '', key = ''] = /^((?:[a-z]+\+)*)(.+)$/i.exec(written) ?? []
  const wanted = before
    .toLowerCase()
    .split('+')
    .filter((part) => part !== '')
  const known = wanted.every((part) => (modifiers as readonly string[]).includes(part))
  if (key === '' || !known || (key !== '+' && key.includes('+'))) {
    throw moduleError('Invalid', `key pattern ${JSON.stringify(written)} is not a key with ctrl+, alt+ or shift+`)
  }
  return spelled(aliases[key.toLowerCase()] ?? key, (modifier) => wanted.includes(modifier))
}

function spelled(key: string, on: (modifier: (typeof modifiers)[number]) => boolean): string {
  return [...modifiers.filter(on), key].join('+')
}

export function makeBinding(config: { [key: string]: unknown }): Binding {
  const keys = list(config['keys'], 1, "'bind'").map((key) => pattern(text(key, 1, "'bind'")))
  const help = optionalTable(config['help'], 1, "'bind'") ?? {}
  return {
    patterns: new Set(keys),
    help: { key: optionalText(help['key'], 1, "'bind'") ?? '', desc: optionalText(help['desc'], 1, "'bind'") ?? '' },
    enabled: true,
  }
}

export const bindingType: LuaType<Binding> = new LuaType<Binding>({
  name: 'tty.KeyBinding',
  methods: {
    matches(_call, { patterns, enabled }, event: unknown) {
      if (!enabled || !isMap(event) || event['type'] !== 'key' || typeof event['key'] !== 'string') return false
      return patterns.has(spelled(event['key'], (modifier) => event[modifier] === true))
    },
    set_enabled(_call, self, on: unknown): LuaObject<Binding> {
      self.enabled = on !== false
      return bindingType.wrap(self)
    },
    is_enabled: (_call, { enabled }) => enabled,
    help: (_call, { help }) => ({ ...help }),
  },
})
