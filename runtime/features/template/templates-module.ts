// The `templates` module: renders Jet templates of declared sets.

import { moduleError } from '../../core/error.ts'
import type { ValueMap } from '../../core/value.ts'
import { type LuaModule, LuaType, optionalTable, text } from '../../lua/module.ts'
import { plainValue } from '../../lua/plain.ts'
import type { Guard } from '../../security/guard.ts'
import type { TemplateSet, TemplateSets } from './template-set.ts'

export interface TemplatesDeps {
  readonly sets: TemplateSets
  readonly guard: Guard
}

interface Handle {
  set: TemplateSet | undefined
}

const setType: LuaType<Handle> = new LuaType<Handle>({
  name: 'templates.Set',
  methods: {
    render(_call, self, nameArgument, data) {
      const name = text(nameArgument, 2, 'render')
      if (name === '') throw moduleError('Invalid', 'template name is required')
      if (self.set === undefined) throw moduleError('Internal', 'template set is released')
      // Of a host object a template sees its text (spec/process.md §4).
      return self.set.render(name, plainValue(optionalTable(data, 3, 'render') ?? {}) as ValueMap) // a map, as it was one
    },
    release(_call, self) {
      self.set = undefined
      return true
    },
  },
})

/** `get(id)` gives a set with `render(name, data?)`. */
export const templatesModule = ({ sets, guard }: TemplatesDeps): LuaModule => ({
  name: 'templates',
  description: 'Renders Jet templates',
  traits: ['deterministic', 'encoding'],
  open: () => ({
    get(call, idArgument) {
      const id = text(idArgument, 1, 'get')
      if (id === '') throw moduleError('Invalid', 'template set ID is required')
      if (!guard.allows(call.frame, 'template.get', id)) {
        throw moduleError('PermissionDenied', `not allowed to access template set: ${id}`)
      }
      return setType.wrap({ set: sets.require(id) })
    },
  }),
})
