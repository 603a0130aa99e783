// The application of the Micro AGI tutorial as a reader of it has it in the end: entries and tools as the tutorial shows them, the
// loop put together from its fragments, and the tools that it only describes from the flagship.

import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectFolder } from './project-folder.ts'
import { repository } from './wippy-process.ts'

const shown = (name: string): string => readFileSync(join(repository, 'test/e2e/tutorial', name), 'utf8')

/** A new folder with the sources; `wippy init` is still to be run, or a lock to be among `more`. */
export function tutorialProject(more: Record<string, string> = {}): string {
  const root = projectFolder({
    '.wippy.yaml': 'version: "1.0"\nlogger:\n  encoding: console\n',
    'wippy.yaml': 'organization: wippy\nmodule: micro-agi\n',
    'src/_index.yaml': shown('_index.yaml'),
    'src/README.md': '# Micro AGI\n',
    'src/agent.lua': shown('agent.lua'),
    ...more,
  })
  cpSync(join(repository, 'app/tools'), join(root, 'src/tools'), { recursive: true })
  for (const name of ['doc_search.lua', 'load_tool.lua']) writeFileSync(join(root, 'src/tools', name), shown(name))
  const tools = join(root, 'src/tools/_index.yaml')
  writeFileSync(
    tools,
    readFileSync(tools, 'utf8').replace(/(name: doc_search[\s\S]*?modules: )\[[^\]]*\]/, '$1[http_client, json]'),
  )
  return root
}
