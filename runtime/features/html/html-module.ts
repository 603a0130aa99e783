// The `html` module: policies that make HTML of others harmless.

import { moduleError, RuntimeError } from '../../core/error.ts'
import { compileRegex } from '../../external/re2.ts'
import { type LuaModule, LuaType, raise, text } from '../../lua/module.ts'
import { type AttributeRule, Policy } from './policy.ts'
import {
  allowImages,
  allowLists,
  allowStandardAttributes,
  allowStandardUrls,
  allowTables,
  userContentPolicy,
} from './presets.ts'

/** Attributes on their way into a policy: waiting for the elements they are for. */
interface AttributeBuilder {
  readonly policy: Policy
  readonly names: readonly string[]
  readonly rule: AttributeRule
}

/** `html.sanitize.new_policy`, `ugc_policy`, `strict_policy`. */
export const htmlModule: LuaModule = {
  name: 'html',
  description: 'Sanitizes HTML by policies',
  traits: ['deterministic', 'encoding'],
  open: () => ({
    sanitize: {
      new_policy: () => policyType.wrap(new Policy()),
      strict_policy: () => policyType.wrap(new Policy()),
      ugc_policy: () => policyType.wrap(userContentPolicy()),
    },
  }),
}

const builderType: LuaType<AttributeBuilder> = new LuaType<AttributeBuilder>({
  name: 'html.AttrBuilder',
  methods: {
    matching(_call, self, argument) {
      const pattern = text(argument, 2, 'matching')
      try {
        return builderType.wrap({ ...self, rule: { pattern: compileRegex(pattern) } })
      } catch (error) {
        if (error instanceof RuntimeError) throw moduleError('Invalid', error.message, { cause: error })
        throw error
      }
    },
    on_elements(_call, self, ...elements) {
      self.policy.allowAttributes(self.names, self.rule, names(elements, 'on_elements'))
      return policyType.wrap(self.policy)
    },
    globally(_call, self) {
      self.policy.allowAttributes(self.names, self.rule, undefined)
      return policyType.wrap(self.policy)
    },
  },
})

/** A method that changes the policy and gives it back. */
function changing(change: (policy: Policy, ...args: unknown[]) => unknown) {
  return (_call: unknown, policy: Policy, ...args: unknown[]) => {
    change(policy, ...args)
    return policyType.wrap(policy)
  }
}

const policyType: LuaType<Policy> = new LuaType<Policy>({
  name: 'html.Policy',
  methods: {
    allow_elements: changing((policy, ...elements) => policy.allowElements(...names(elements, 'allow_elements'))),
    allow_attrs: (_call, policy, ...attributes) =>
      builderType.wrap({
        policy,
        names: names(attributes, 'allow_attrs'),
        rule: { pattern: undefined },
      }),
    allow_standard_urls: changing(allowStandardUrls),
    allow_standard_attributes: changing(allowStandardAttributes),
    allow_images: changing(allowImages),
    allow_lists: changing(allowLists),
    allow_tables: changing(allowTables),
    allow_data_uri_images: changing((policy) => policy.changeUrls({ dataImages: true })),
    allow_url_schemes: changing((policy, ...schemes) => {
      const wanted = names(schemes, 'allow_url_schemes').map((scheme) => scheme.toLowerCase())
      policy.changeUrls({ schemes: new Set([...policy.urls.schemes, ...wanted]) })
    }),
    allow_relative_urls: changing((policy, allow) =>
      policy.changeUrls({ relative: flag(allow, 'allow_relative_urls') }),
    ),
    require_parseable_urls: changing((policy, required) =>
      policy.changeUrls({ parseable: flag(required, 'require_parseable_urls') }),
    ),
    require_nofollow_on_links: changing((policy, required) =>
      policy.changeLinks({ nofollow: flag(required, 'require_nofollow_on_links') }),
    ),
    require_noreferrer_on_links: changing((policy, required) =>
      policy.changeLinks({ noreferrer: flag(required, 'require_noreferrer_on_links') }),
    ),
    add_target_blank_to_fully_qualified_links: changing((policy, add) =>
      policy.changeLinks({ targetBlank: flag(add, 'add_target_blank_to_fully_qualified_links') }),
    ),
    async sanitize(call, policy, html) {
      const source = text(html, 2, 'sanitize')
      const { sanitize } = await import('./sanitizer.ts')
      const sanitizing = sanitize(policy, source)
      return call.work(sanitizing.step, sanitizing.result)
    },
  },
})

function names(args: readonly unknown[], name: string): string[] {
  if (args.length === 0) raise(`bad argument #2 to ${name} (string expected, got no value)`)
  return args.map((arg, index) => text(arg, index + 2, name))
}

function flag(argument: unknown, name: string): boolean {
  if (typeof argument === 'boolean') return argument
  return raise(`bad argument #2 to ${name} (boolean expected)`)
}
