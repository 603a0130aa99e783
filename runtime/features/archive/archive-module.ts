// The `archive` module: reads, walks and writes zip, tar, tar.gz and tar.zst with bounded memory.

import { moduleError, RuntimeError } from '../../core/error.ts'
import type { ValueMap } from '../../core/value.ts'
import {
  bytes,
  type Call,
  LuaFunctionRef,
  type LuaModule,
  LuaObject,
  LuaType,
  type LuaTypeSpec,
  optionalTable,
  optionalText,
  pieceSize,
  raise,
  results,
  text,
} from '../../lua/module.ts'
import type { Guard } from '../../security/guard.ts'
import { closing, contentOf, randomSource, sequentialSource } from './choose-source.ts'
import {
  Allowance,
  type ArchiveEntry,
  type ByteReader,
  defaultLimits,
  type Limits,
  overLimit,
  safeName,
} from './entry.ts'
import { fileWriter, type Writer } from './file-writer.ts'
import {
  detectFormat,
  type Format,
  formatNames,
  formatOfName,
  openArchive,
  type RandomArchive,
  type Walk,
  walkArchive,
  type ZstdBuffers,
} from './formats.ts'
import { fileSource, PieceReader, piecesOf, readerOf, type VolumeHandle, volumeOf } from './sources.ts'
import type { NewEntry } from './writers.ts'

export interface ArchiveDeps {
  readonly guard: Guard
  /** Seconds since 1970, for entries that do not say when they were made. */
  readonly now: () => number
  readonly zstd: ZstdBuffers
  /** Makes the Scanner userdata over a stream. */
  readonly scanner: (source: ByteReader & { read(): Promise<Uint8Array | undefined> }, split: string) => unknown
  /** How streams answer what only others can. */
  readonly readOnly: NonNullable<LuaTypeSpec<unknown>['methods']>
}

interface Reader {
  readonly archive: RandomArchive
  readonly limits: Limits
  close(): Promise<void>
}

interface Walker {
  readonly walk: Walk
  current: EntryStream | undefined
  close(): Promise<void>
}

/** The content of an entry as Lua reads it; stale once its walk went on. */
class EntryStream extends PieceReader {
  stale = false
  /** Bytes read so far. */
  position = 0
  readonly size: number

  constructor(pieces: AsyncGenerator<Uint8Array>, size: number) {
    super(pieces)
    this.size = size
  }

  override async read(size?: number): Promise<Uint8Array | undefined> {
    if (this.stale) throw moduleError('Internal', 'the walk has gone on: this entry cannot be read any more')
    const piece = await super.read(size)
    this.position += piece?.length ?? 0
    return piece
  }
}

/** `open`, `scan`, `create`, `formats`. */
export const archiveModule = (deps: ArchiveDeps): LuaModule => ({
  name: 'archive',
  description: 'Reads and writes zip and tar archives',
  traits: ['io', 'encoding', 'nondeterministic'],
  open() {
    const types = archiveTypes(deps)
    const permitted = (call: Call, action: 'archive.read' | 'archive.write', resource: string): void => {
      if (!deps.guard.allows(call.frame, action, resource))
        throw moduleError('PermissionDenied', `not allowed: ${action} on ${resource}`)
    }
    return {
      formats: () => [...formatNames],
      async open(call, sourceArgument, ...rest) {
        const { name, options, source } = await randomSource(sourceArgument, rest, (path) =>
          permitted(call, 'archive.read', path),
        )
        try {
          const limits = limitsOf(options)
          const format = formatOption(options) ?? detectFormat(await source.read(0, 512), name)
          const archive = await openArchive(format, source, new Allowance(limits))
          const owned = call.own({ close: () => void source.close() })
          let closed = false
          const close = async (): Promise<void> => {
            if (closed) return
            closed = true
            owned.release()
            await source.close()
          }
          return types.reader.wrap({ archive, limits, close })
        } catch (error) {
          await source.close()
          throw error
        }
      },
      async scan(call, sourceArgument, ...rest) {
        const { name, options, reader, head, release } = await sequentialSource(sourceArgument, rest, (path) =>
          permitted(call, 'archive.read', path),
        )
        const entries = walkArchive(
          formatOption(options) ?? detectFormat(head, name),
          reader,
          new Allowance(limitsOf(options)),
          deps.zstd,
        )
        const walk = closing(entries, reader)
        // A walk that never began has nothing to clean up itself.
        const owned = call.own({ close: () => void walk.return(undefined).finally(release) })
        const close = async (): Promise<void> => {
          owned.release()
          await walk.return(undefined)
          await release()
        }
        return types.walker.wrap({ walk, current: undefined, close })
      },
      async create(call, target, pathArgument, optionsArgument) {
        const handle = volumeOf(target)
        if (handle === undefined) return raise('bad argument #1 to create (filesystem expected)')
        const path = handle.volume.normalize(text(pathArgument, 2, 'create'), handle.cwd)
        permitted(call, 'archive.write', path)
        const options = optionalTable(optionsArgument, 3, 'create') ?? {}
        const writer = await fileWriter(
          handle,
          path,
          formatOption(options) ?? formatOfName(path),
          limitsOf(options),
          deps.zstd,
        )
        const owned = call.own({ close: () => writer.discard() })
        const finish = async (): Promise<void> => {
          owned.release()
          await writer.finish()
        }
        return types.writer.wrap({ ...writer, finish })
      },
    }
  },
})

function archiveTypes(deps: ArchiveDeps): {
  reader: LuaType<Reader>
  walker: LuaType<Walker>
  writer: LuaType<Writer>
} {
  const stream: LuaType<EntryStream> = new LuaType<EntryStream>({
    name: 'archive.Stream',
    methods: {
      ...deps.readOnly,
      stat: (_call, { size, position, stale }) => ({
        size,
        position,
        readable: !stale,
        writable: false,
        seekable: false,
      }),
      read: (_call, self, size) => self.read(pieceSize(size, 2, 'read')),
      scanner: (_call, self, split) => deps.scanner(self, optionalText(split, 2, 'scanner') ?? 'lines'),
      async close(_call, self) {
        await self.close()
        return true
      },
    },
  })
  const entryOf = ({ archive }: Reader, argument: unknown, name: string): ArchiveEntry => {
    const wanted = text(argument, 2, name)
    const entry = archive.entries.get(wanted)
    if (entry === undefined) throw moduleError('NotFound', `entry not found: ${wanted}`)
    return entry
  }
  const reader = new LuaType<Reader>({
    name: 'archive.Reader',
    methods: {
      entries(_call, self) {
        const entries = self.archive.entries.values()
        return results(() => {
          const next = entries.next()
          return next.done === true ? null : entryTable(next.value)
        }, null)
      },
      stat: (_call, self, name) => entryTable(entryOf(self, name, 'stat')),
      async read(_call, self, name) {
        const entry = entryOf(self, name, 'read')
        const { maxInlineBytes } = self.limits
        if (entry.size > maxInlineBytes) throw overLimit(`entry ${entry.name}`, 'max_inline_bytes', maxInlineBytes)
        const pieces: Uint8Array[] = []
        for await (const piece of self.archive.content(entry)) pieces.push(piece)
        return new Uint8Array(Buffer.concat(pieces))
      },
      stream(_call, self, name) {
        const entry = entryOf(self, name, 'stream')
        return stream.wrap(new EntryStream(self.archive.content(entry), entry.size))
      },
      async extract(_call, self, name, target, destination) {
        const entry = entryOf(self, name, 'extract')
        const path = optionalText(destination, 4, 'extract') ?? safeName(entry.name)
        await extract(targetOf(target, 'extract'), path, entry, self.archive.content(entry))
        return true
      },
      async extract_all(_call, self, target, optionsArgument) {
        const options = optionalTable(optionsArgument, 3, 'extract_all') ?? {}
        if (options['filter'] instanceof LuaFunctionRef)
          throw moduleError('Invalid', 'filter is not supported: use entries() and extract()')
        const strip = typeof options['strip'] === 'number' ? options['strip'] : 0
        const prefix = optionalText(options['prefix'], 3, 'extract_all') ?? ''
        let count = 0
        for (const entry of self.archive.entries.values()) {
          const path = safeName(entry.name).split('/').slice(strip).join('/')
          if (path === '') continue
          await extract(targetOf(target, 'extract_all'), prefix + path, entry, self.archive.content(entry))
          if (!entry.isDir) count++
        }
        return count
      },
      async close(_call, self) {
        await self.close()
        return true
      },
    },
  })
  const walker = new LuaType<Walker>({
    name: 'archive.Walker',
    methods: {
      walk: (_call, self) =>
        results(async () => {
          if (self.current !== undefined) self.current.stale = true
          const next = await self.walk.next()
          if (next.done === true) return null
          self.current = new EntryStream(next.value.content(), next.value.entry.size)
          return results(entryTable(next.value.entry), stream.wrap(self.current))
        }, null),
      async close(_call, self) {
        await self.close()
        return true
      },
    },
  })
  return { reader, walker, writer: writerType(deps) }
}

function writerType({ now }: ArchiveDeps): LuaType<Writer> {
  return new LuaType<Writer>({
    name: 'archive.Writer',
    methods: {
      async add(_call, self, nameArgument, data, optionsArgument) {
        const entry = newEntry(nameArgument, optionsArgument, 0o644, now(), 'add')
        const reader =
          data instanceof LuaObject
            ? (readerOf(data) ?? raise('bad argument #3 to add (string or reader expected)'))
            : undefined
        const content =
          reader === undefined ? bytes(data, 3, 'add') : await collected(reader, self.limits.maxInlineBytes, entry.name)
        await self.add((writer) => writer.addFile(entry, once(content), content.length))
        return true
      },
      async add_file(_call, self, nameArgument, source, pathArgument, optionsArgument) {
        const handle = targetOf(source, 'add_file')
        const path = handle.volume.normalize(text(pathArgument, 4, 'add_file'), handle.cwd)
        const stat = await handle.volume.stat(path)
        const entry = newEntry(nameArgument, optionsArgument, stat.mode & 0o777, stat.modified, 'add_file')
        await self.add(async (writer) => {
          const file = await fileSource(handle, path)
          try {
            await writer.addFile(entry, contentOf(file), file.size)
          } finally {
            await file.close()
          }
        })
        return true
      },
      async add_dir(_call, self, nameArgument, optionsArgument) {
        const entry = newEntry(nameArgument, optionsArgument, 0o755, now(), 'add_dir')
        await self.add((writer) => writer.addDirectory(entry))
        return true
      },
      async close(_call, self) {
        await self.finish()
        return true
      },
    },
  })
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  if (content.length > 0) yield content
}

async function collected(reader: ByteReader, limit: number, name: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of piecesOf(reader)) {
    size += piece.length
    if (size > limit) throw overLimit(`entry ${name}`, 'max_inline_bytes', limit)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

async function extract(
  { volume, cwd }: VolumeHandle,
  path: string,
  entry: ArchiveEntry,
  content: AsyncGenerator<Uint8Array>,
): Promise<void> {
  const target = volume.normalize(path, cwd)
  const parts = target.split('/').slice(1)
  for (let depth = 1; depth < parts.length + (entry.isDir ? 1 : 0); depth++) {
    await volume.mkdir(`/${parts.slice(0, depth).join('/')}`).catch((error: unknown) => {
      if (!(error instanceof RuntimeError) || error.kind !== 'AlreadyExists') throw error
    })
  }
  if (entry.isDir) return
  await volume.replaceFile(target, async (file) => {
    for await (const piece of content) await file.appendFile(piece)
  })
}

function targetOf(argument: unknown, name: string): VolumeHandle {
  return volumeOf(argument) ?? raise(`bad argument to ${name} (filesystem expected)`)
}

function newEntry(
  nameArgument: unknown,
  optionsArgument: unknown,
  mode: number,
  modified: number,
  name: string,
): NewEntry {
  const entryName = safeName(text(nameArgument, 2, name))
  const options = optionalTable(optionsArgument, name === 'add_file' ? 5 : name === 'add' ? 4 : 3, name) ?? {}
  const method = options['method'] ?? 'deflate'
  if (method !== 'deflate' && method !== 'store')
    throw moduleError('Invalid', `method ${String(method)} is not store or deflate`)
  return {
    name: entryName,
    mode: typeof options['mode'] === 'number' ? options['mode'] & 0o7777 : mode,
    modified: typeof options['modified'] === 'number' ? options['modified'] : modified,
    store: method === 'store',
  }
}

function formatOption(options: { [key: string]: unknown }): Format | undefined {
  const format = options['format']
  if (format === undefined || format === null || format === 'auto') return undefined
  if (formatNames.some((name) => name === format)) return format as Format // one of the names
  throw moduleError('Invalid', `unknown archive format: ${String(format)}`)
}

function limitsOf(options: { [key: string]: unknown }): Limits {
  const limit = (name: string, fallback: number): number => {
    const value = options[name] ?? fallback
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 1)
      throw moduleError('Invalid', `${name} must be a positive integer`)
    return value
  }
  return {
    maxEntries: limit('max_entries', defaultLimits.maxEntries),
    maxTotalBytes: limit('max_total_bytes', defaultLimits.maxTotalBytes),
    maxFileBytes: limit('max_file_bytes', defaultLimits.maxFileBytes),
    maxInlineBytes: limit('max_inline_bytes', defaultLimits.maxInlineBytes),
  }
}

function entryTable({ name, size, compressedSize, isDir, mode, modified, method, crc32 }: ArchiveEntry): ValueMap {
  const type = isDir ? 'directory' : 'file'
  return { name, size, compressed_size: compressedSize, is_dir: isDir, mode, modified, method, crc32, type }
}
