// `wippy pack out.wapp`: the project as it runs, linked and overridden, in one file.

import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import type { Entry } from '../../core/entry.ts'
import { RuntimeError } from '../../core/error.ts'
import { isMap, type ValueMap } from '../../core/value.ts'
import { packageBundle } from '../../index.ts'
import { type Loaded, loadProject, projectCache } from '../../loader/load.ts'
import { requireLock } from '../../loader/lockfile.ts'
import { readManifest } from '../../loader/manifest.ts'
import { type PackContent, projectPacks, writePack } from '../../loader/pack.ts'
import { matchesId, matchesName } from '../../loader/pattern.ts'
import { packageVersion } from '../banner.ts'
import { type SettingFlags, settingsOf } from '../options.ts'
import { diagnosticText } from '../report.ts'

export interface PackFlags extends SettingFlags {
  readonly lockFile: string
  readonly description?: string
  readonly tags?: string
  readonly meta?: readonly string[]
  readonly embed?: readonly string[]
  readonly embedAll?: boolean
  readonly list?: boolean
  readonly excludeNs?: readonly string[]
  readonly exclude?: readonly string[]
  readonly bytecode?: string
}

/** Resolves with the exit code. */
export async function pack(output: string | undefined, flags: PackFlags): Promise<number> {
  const root = process.cwd()
  requireLock(resolve(root, flags.lockFile))
  if (flags.embedAll === true && flags.embed !== undefined) {
    throw new RuntimeError('Invalid', '--embed-all cannot be combined with --embed')
  }
  const metadata = metadataOf(flags, root)
  const loaded = await load(root, flags)
  const directories = loaded.entries.filter(({ kind }) => kind === 'fs.directory')
  if (flags.list === true) {
    for (const entry of directories) process.stdout.write(`${entry.id}  ${folderOf(entry, loaded, root)}\n`)
    process.stdout.write(`\nTotal: ${directories.length} fs.directory entries\n`)
    return 0
  }
  if (output === undefined) throw new RuntimeError('Invalid', 'missing output file: wippy pack <file.wapp>')
  const file = resolve(root, output)
  if (!file.endsWith('.wapp')) throw new RuntimeError('Invalid', `output ${JSON.stringify(output)} must end in .wapp`)
  refuseInput(file, loaded)
  if (flags.bytecode !== undefined)
    process.stderr.write('warning: packs carry Lua source here; --bytecode has no effect\n')
  const content = contentOf(loaded, { ...flags, root, metadata })
  writePack(file, content)
  const size = statSync(file).size
  process.stdout.write(
    `Packed ${content.entries.length} entries and ${content.files.length} files into ${output} (${size} bytes)\n`,
  )
  return 0
}

async function load(root: string, flags: PackFlags): Promise<Loaded> {
  const loaded = await loadProject({
    root,
    env: process.env,
    lockFile: flags.lockFile,
    settings: settingsOf(flags),
    bundle: packageBundle(),
    cache: projectCache(root),
    readPack: projectPacks(root),
  })
  const faults = loaded.diagnostics.filter(({ level }) => level !== 'info')
  for (const diagnostic of faults) process.stderr.write(`${diagnosticText(diagnostic, root)}\n`)
  const errors = faults.filter(({ level }) => level === 'error').length
  // An archive of half an application helps nobody.
  if (errors > 0) throw new RuntimeError('Invalid', `nothing was packed: ${errors} errors in the sources`)
  return loaded
}

interface PackPlan extends PackFlags {
  readonly root: string
  readonly metadata: ValueMap
}

/** Resolved by now, and not to be resolved a second time when the archive is run. */
const resolvedKinds = new Set(['ns.dependency', 'ns.requirement'])

function contentOf(loaded: Loaded, plan: PackPlan): PackContent {
  const { root, metadata } = plan
  const embeds = embedTest(loaded, plan)
  const files: { entry: string; path: string; content: Uint8Array }[] = []
  const entries = loaded.entries
    .filter((entry) => !resolvedKinds.has(entry.kind) && !isExcluded(entry, plan))
    .map((entry) => {
      const own = withoutForeignCommand(entry, loaded)
      if (entry.kind !== 'fs.directory' || !embeds(entry)) return own
      const folder = folderOf(entry, loaded, root)
      for (const path of filesIn(folder))
        files.push({ entry: entry.id, path, content: readFileSync(join(folder, path)) })
      return { ...own, kind: 'fs.embed' }
    })
  return { metadata, entries, files }
}

/** Folders that belong to modules come along always: where the archive runs, there is no module folder to find them in. */
function embedTest(loaded: Loaded, { embed, embedAll, root }: PackPlan): (entry: Entry) => boolean {
  const declared = readManifest(root)?.raw['embed']
  const patterns = embed ?? (Array.isArray(declared) ? declared.filter((one) => typeof one === 'string') : [])
  const fits = (pattern: string, { id }: Entry): boolean => matchesId(pattern, id) || id.endsWith(`:${pattern}`)
  const directories = loaded.entries.filter(({ kind }) => kind === 'fs.directory')
  for (const pattern of patterns) {
    if (directories.some((entry) => fits(pattern, entry))) continue
    // An archive without the files that were asked for would fail where it runs.
    throw new RuntimeError('NotFound', `no fs.directory entry fits embed ${JSON.stringify(pattern)}`, {
      details: { hint: "'wippy pack --list' shows those that can be embedded" },
    })
  }
  return (entry) =>
    embedAll === true ||
    loaded.files.get(entry.id)?.module !== undefined ||
    patterns.some((pattern) => fits(pattern, entry))
}

function isExcluded({ id }: Entry, { excludeNs = [], exclude = [] }: PackPlan): boolean {
  const ns = id.slice(0, id.indexOf(':'))
  return excludeNs.some((pattern) => matchesName(pattern, ns)) || exclude.some((pattern) => matchesId(pattern, id))
}

/** Only the commands of the main module are commands of the archive; what runs its tests may be another's. */
function withoutForeignCommand(entry: Entry, loaded: Loaded): Entry {
  const { command, ...meta } = entry.meta
  if (loaded.files.get(entry.id)?.module === undefined || command === undefined) return entry
  if (isMap(command) && command['use_case'] === 'test') return entry
  return { ...entry, meta }
}

function folderOf(entry: Entry, loaded: Loaded, root: string): string {
  const data = isMap(entry.data) ? entry.data : {}
  const directory = String(data['directory'] ?? '')
  if (isAbsolute(directory)) return directory
  const module = data['base'] === 'project' ? undefined : loaded.files.get(entry.id)?.module
  const source = loaded.modules.find(({ name }) => name === module)?.source
  return resolve(source ?? root, directory)
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) throw new RuntimeError('NotFound', `cannot embed ${folder}: no such folder`)
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile())
    .map((item) =>
      join(item.parentPath, item.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort()
}

/** Packing over what is being packed would cut off the input while it is read. */
function refuseInput(file: string, loaded: Loaded): void {
  if (!existsSync(file)) return
  const target = statSync(file)
  const inputs = new Set([...loaded.files.values()].flatMap(({ files }) => files))
  for (const input of inputs) {
    if (!existsSync(input)) continue
    const { dev, ino } = statSync(input)
    if ((dev === target.dev && ino === target.ino) || realpathSync(input) === realpathSync(file)) {
      throw new RuntimeError('Invalid', `output ${file} is one of the files to be packed`)
    }
  }
}

const reserved = /^(?:registry$|wippy\.|system\.)/

function metadataOf({ description, tags, meta = [] }: PackFlags, root: string): ValueMap {
  const manifest = readManifest(root)
  const own: ValueMap = { created_by: `wippy ${packageVersion()}` }
  if (manifest !== undefined) Object.assign(own, { module: manifest.name, version: manifest.version ?? '0.0.0' })
  const about = description ?? manifest?.description
  if (about !== undefined) own['description'] = about
  if (tags !== undefined)
    own['tags'] = tags
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== '')
  const custom: ValueMap = {}
  for (const pair of meta) {
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/s.exec(pair) ?? []
    if (key === '') throw new RuntimeError('Invalid', `invalid --meta ${JSON.stringify(pair)}: expected key=value`)
    if (reserved.test(key))
      throw new RuntimeError('Invalid', `invalid --meta ${JSON.stringify(pair)}: the key ${key} is reserved`)
    custom[key] = value
  }
  return meta.length === 0 ? own : { ...own, meta: custom }
}
