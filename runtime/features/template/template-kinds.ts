// The kinds `template.set` and `template.jet`.

import { RuntimeError } from '../../core/error.ts'
import { asMap, asName, asText, field, requiredField } from '../../core/field.ts'
import { parseId, resolveId } from '../../core/id.ts'
import { emptyMap, isMap } from '../../core/value.ts'
import type { Kind } from '../../registry/kind.ts'
import { TemplateSet, type TemplateSetOptions, type TemplateSets } from './template-set.ts'

interface JetConfig {
  readonly set: string
  readonly name: string
  readonly source: string
}

/** `template.set`: a namespace of templates with common settings. */
export const templateSetKind = (sets: TemplateSets): Kind<TemplateSetOptions> => ({
  kind: 'template.set',
  decode(entry) {
    const engine = field(entry, 'engine', asMap, emptyMap())
    const delimiters = isMap(engine['delimiters']) ? engine['delimiters'] : emptyMap()
    const [left, right] = [delimiters['left'] ?? '{{', delimiters['right'] ?? '}}']
    const what = `entry ${entry.id}: engine.delimiters`
    const valid = { left: asName(left, `${what}.left`), right: asName(right, `${what}.right`) }
    if (valid.left === valid.right) throw new RuntimeError('Invalid', `${what}: left and right are the same`)
    return { delimiters: valid, globals: isMap(engine['globals']) ? engine['globals'] : emptyMap() }
  },
  open(entry, options) {
    const set = new TemplateSet(options)
    // Its templates are entries of their own: an update of the set alone must keep them.
    return { update: (_entry, changed) => set.configure(changed), close: sets.add(entry.id, set) }
  },
})

/** `template.jet`: one template of a set, known there by the name of its entry or by `meta.name`. */
export const jetKind = (sets: TemplateSets): Kind<JetConfig> => ({
  kind: 'template.jet',
  decode(entry) {
    const { ns, name } = parseId(entry.id)
    const own = entry.meta['name']
    return {
      set: resolveId(requiredField(entry, 'set', asName), ns),
      name: typeof own === 'string' && own !== '' ? own : name,
      source: requiredField(entry, 'source', asText),
    }
  },
  needs: ({ set }) => [set],
  open: (_entry, { set, name, source }) => ({ close: sets.require(set).add(name, source) }),
})
