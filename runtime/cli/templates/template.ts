// What `wippy new` can make. A template says which files; who writes them, and where, is the command's business.

export interface Template {
  readonly name: string
  readonly description: string
  /** Paths from the new folder to contents. */
  files(project: ProjectName): Readonly<Record<string, string>>
  /** Folders of this package whose files come along, by where they go. */
  readonly copies?: Readonly<Record<string, string>>
  /** Commands to try, inside the new folder. */
  readonly next: (project: ProjectName) => readonly string[]
}

export interface ProjectName {
  readonly organization: string
  readonly module: string
}

/** Files that every application has. */
export function applicationFiles(
  { organization, module }: ProjectName,
  type: 'application' | 'agent',
  description: string,
): Record<string, string> {
  return {
    'wippy.yaml': `organization: ${organization}
module: ${module}
version: 0.1.0
type: ${type}
description: ${description}
`,
    '.wippy.yaml': `version: "1.0"

logger:
  encoding: console
`,
    'wippy.lock': `directories:
    modules: .wippy
    src: ./src
`,
    '.gitignore': '.wippy/\nnode_modules/\n',
  }
}
