// `wippy new <template> <name>`: a folder to start from.

import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { RuntimeError } from '../../core/error.ts'
import { nearest } from '../../core/nearest.ts'
import { packageBundle } from '../../index.ts'
import { agentTemplate } from '../templates/agent.ts'
import { componentTemplate } from '../templates/component.ts'
import { helloTemplate } from '../templates/hello.ts'
import { httpTemplate } from '../templates/http.ts'
import type { ProjectName, Template } from '../templates/template.ts'

export const templates: readonly Template[] = [helloTemplate, httpTemplate, agentTemplate, componentTemplate]

const NAME = /^[a-z0-9]+(?:-+[a-z0-9]+)*$/

/** Resolves with the exit code. Nothing is written when the template, the name or the folder will not do. */
export async function createNew(templateName: string, where: string): Promise<number> {
  const template = templates.find(({ name }) => name === templateName)
  if (template === undefined) {
    const near = nearest(
      templateName,
      templates.map(({ name }) => name),
    )
    const known = templates.map(({ name, description }) => `  ${name.padEnd(10)} ${description}`).join('\n')
    throw new RuntimeError('NotFound', `unknown template ${JSON.stringify(templateName)}`, {
      details: { hint: `${near === undefined ? '' : `Did you mean "${near}"? `}Templates are:\n${known}` },
    })
  }
  const { project, folder } = target(template, where)
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new RuntimeError('AlreadyExists', `folder ${folder} is not empty`)
  }
  for (const [to, from] of Object.entries(template.copies ?? {}))
    cpSync(packageFolder(from), join(folder, to), { recursive: true })
  for (const [path, text] of Object.entries(template.files(project))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const shown = relative(process.cwd(), folder) || '.'
  const commands = template.next(project)
  const steps = commands.length === 0 ? [] : [...(shown === '.' ? [] : [`cd ${shown}`]), ...commands]
  const next = steps.length === 0 ? '' : `\nNext:\n${steps.map((step) => `  ${step}\n`).join('')}`
  process.stdout.write(`Created ${template.name} in ${shown}\n${next}`)
  return 0
}

/** Applications get the folder they are called; components stand in `components/` and may name their organization. */
function target(template: Template, where: string): { project: ProjectName; folder: string } {
  const isComponent = template === componentTemplate
  const parts = isComponent ? where.split('/') : [basename(resolve(where))]
  const module = parts.at(-1) ?? ''
  const organization = parts.length === 2 ? (parts[0] ?? '') : isComponent ? 'local' : 'app'
  if (parts.length > 2 || !NAME.test(module) || !NAME.test(organization)) {
    const expected = isComponent ? 'module or organization/module' : 'a folder name'
    throw new RuntimeError(
      'Invalid',
      `invalid name ${JSON.stringify(where)}: expected ${expected} in lowercase letters, digits and hyphens`,
    )
  }
  return { project: { organization, module }, folder: isComponent ? resolve('components', module) : resolve(where) }
}

function packageFolder(name: string): string {
  const { apps = {} } = packageBundle()
  const found = name === 'app' ? apps['wippy/micro-agi'] : undefined
  if (found === undefined) throw new RuntimeError('NotFound', `the files of ${name} are not installed`)
  return found
}
