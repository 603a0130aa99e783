// `wippy new agent`: the self-modifying assistant that comes with this package, as sources of one's own.

import { applicationFiles, type Template } from './template.ts'

export const agentTemplate: Template = {
  name: 'agent',
  description: 'the assistant that writes its own tools, to change as you like',
  copies: { src: 'app' },
  files: (project) => ({
    ...applicationFiles(project, 'agent', 'A development assistant that builds its own tools'),
    'README.md': `# ${project.module}

    wippy run agent

Without a key a small rehearsal model answers; \`export OPENAI_API_KEY=...\` for a real one.

While it runs, edit a tool under \`src/tools/\` or its prompt in \`src/_index.yaml\`: the next turn uses the change.
`,
  }),
  next: () => ['wippy run agent'],
}
