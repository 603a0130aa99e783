// `wippy new component`: a module that any project can use, with what the project must say about itself as a requirement.

import type { Template } from './template.ts'

export const componentTemplate: Template = {
  name: 'component',
  description: 'a module for this or other projects',
  files: ({ organization, module }) => {
    const ns = `${organization}.${module.replaceAll('-', '_')}`
    return {
      'wippy.yaml': `organization: ${organization}
module: ${module}
version: 0.1.0
type: library
description: What this module is for
`,
      'README.md': `# ${organization}/${module}

What this module is for.

| Entry | |
|---|---|
| \`${ns}:api\` | the library; import it as \`api: ${ns}:api\` |

| Requirement | |
|---|---|
| \`greeting\` | the word to greet with; \`hello\` unless the project says otherwise |

\`\`\`yaml
- name: __dep.${module}
  kind: ns.dependency
  component: ${organization}/${module}
  version: "*"
  parameters:
    - name: greeting
      value: good morning
\`\`\`
`,
      'src/_index.yaml': `version: "1.0"
namespace: ${ns}

entries:
  - name: definition
    kind: ns.definition
    meta:
      title: ${module}

  - name: greeting
    kind: ns.requirement
    meta:
      description: The word to greet with
    default: hello
    targets:
      - entry: settings
        path: .greeting

  - name: settings
    kind: registry.entry
    greeting: hello

  - name: api
    kind: library.lua
    meta:
      comment: Greets by name
    source: file://api.lua
    modules: [registry]
`,
      'src/api.lua': `-- Greets by name, with the word that the project has chosen.

local registry = require("registry")

local api = {}

function api.greet(name: string): (string?, any?)
  local settings, err = registry.get("${ns}:settings")
  if err then return nil, err end
  return settings.data.greeting .. " " .. name
end

return api
`,
    }
  },
  next: () => [],
}
