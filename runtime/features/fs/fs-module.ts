// The `fs` module: files of the volumes an app declares.

import { moduleError, RuntimeError } from '../../core/error.ts'
import {
  bytes,
  type Call,
  type LuaModule,
  LuaObject,
  LuaType,
  number,
  optionalText,
  pieceSize,
  raise,
  results,
  text,
} from '../../lua/module.ts'
import type { Guard } from '../../security/guard.ts'
import { OpenFile } from './file.ts'
import type { Volumes } from './fs-kinds.ts'
import type { FileStat, OpenMode, Volume } from './volume.ts'

export interface FsDeps {
  readonly volumes: Volumes
  readonly guard: Guard
  /** Makes the Scanner userdata over a file. */
  readonly scanner: (source: OpenFile, split: string) => unknown
}

/** A volume in the hands of one process, with its own working folder. It follows the entry: to another folder, and away. */
class Handle {
  readonly #volumes: Volumes
  readonly #id: string
  cwd = '/'

  constructor(volumes: Volumes, id: string) {
    this.#volumes = volumes
    this.#id = id
    volumes.require(id)
  }

  /** Throws NotFound once the entry is gone. */
  get volume(): Volume {
    return this.#volumes.require(this.#id)
  }
}

/** Whatever gives bytes until it gives none: a File, the Stream of a response. */
interface Reader {
  read(size?: number): Uint8Array | undefined | Promise<Uint8Array | undefined>
}

const PIECE = 64 * 1024

/** `get(id)` and the constants. */
export const fsModule = (deps: FsDeps): LuaModule => ({
  name: 'fs',
  description: 'Reads and writes files of declared filesystems',
  traits: ['io', 'storage', 'nondeterministic'],
  open() {
    const types = fsTypes(deps)
    return {
      get(call, idArgument) {
        const id = text(idArgument, 1, 'get')
        if (id === '') throw moduleError('Invalid', 'filesystem ID required')
        if (!deps.guard.allows(call.frame, 'fs.get', id)) {
          throw moduleError('PermissionDenied', `not allowed to access filesystem: ${id}`)
        }
        return types.wrap(new Handle(deps.volumes, id))
      },
      type: { FILE: 'file', DIR: 'directory' },
      seek: { SET: 'set', CUR: 'cur', END: 'end' },
    }
  },
})

function fsTypes({ scanner }: FsDeps): LuaType<Handle> {
  const fileType = openFileType(scanner)
  const pathOf = (self: Handle, argument: unknown, name: string): string =>
    self.volume.normalize(optionalText(argument, 2, name) ?? '', self.cwd)
  const readFile = (_call: Call, self: Handle, path: unknown) => self.volume.readFile(pathOf(self, path, 'readfile'))
  const writeFile = async (_call: Call, self: Handle, path: unknown, data: unknown, mode: unknown) => {
    await write(self.volume, pathOf(self, path, 'writefile'), source(data), openMode(mode ?? 'w', 'writefile'))
    return true
  }
  return new LuaType<Handle>({
    name: 'fs.FS',
    methods: {
      pwd: (_call, self) => self.cwd,
      async chdir(_call, self, argument) {
        const path = pathOf(self, argument, 'chdir')
        if (!(await self.volume.stat(path)).is_dir) throw new RuntimeError('Invalid', `not a directory: ${path}`)
        self.cwd = path
        return true
      },
      async open(call, self, argument, modeArgument) {
        const path = pathOf(self, argument, 'open')
        const mode = openMode(modeArgument ?? 'r', 'open')
        const handle = await self.volume.open(path, mode)
        const file: OpenFile = new OpenFile(path, handle, mode, () => owned.release())
        const owned = call.own({ close: () => void file.close() })
        return fileType.wrap(file)
      },
      stat: async (_call, self, path) => statTable(await self.volume.stat(pathOf(self, path, 'stat'))),
      exists: (_call, self, path) => self.volume.exists(pathOf(self, path, 'exists')),
      async isdir(_call, self, argument) {
        const path = pathOf(self, argument, 'isdir')
        return (await self.volume.exists(path)) && (await self.volume.stat(path)).is_dir
      },
      async mkdir(_call, self, path) {
        await self.volume.mkdir(pathOf(self, path, 'mkdir'))
        return true
      },
      async remove(_call, self, path) {
        await self.volume.remove(pathOf(self, path, 'remove'))
        return true
      },
      async readdir(_call, self, argument) {
        const entries = await self.volume.list(pathOf(self, argument ?? '.', 'readdir'))
        let next = 0
        return results(() => entries[next++] ?? null, null)
      },
      readfile: readFile,
      read_file: readFile,
      writefile: writeFile,
      write_file: writeFile,
    },
  })
}

function openFileType(scanner: FsDeps['scanner']): LuaType<OpenFile> {
  return new LuaType<OpenFile>({
    name: 'fs.File',
    methods: {
      async read(_call, self, size) {
        const piece = await self.read(pieceSize(size, 2, 'read'))
        if (piece === undefined) throw new RuntimeError('NotFound', 'EOF')
        return piece
      },
      write: (_call, self, data) => self.write(bytes(data, 2, 'write')),
      seek(_call, self, whence, offset) {
        const from = optionalText(whence, 2, 'seek') ?? 'cur'
        if (from !== 'set' && from !== 'cur' && from !== 'end')
          throw new RuntimeError('Invalid', `invalid whence: ${from}`)
        return self.seek(from, offset === undefined ? 0 : number(offset, 3, 'seek'))
      },
      async sync(_call, self) {
        await self.sync()
        return true
      },
      async stat(_call, self) {
        const name = self.path.split('/').at(-1) ?? ''
        return statTable({ ...(await self.size()), name, is_dir: false, type: 'file' })
      },
      async close(_call, self) {
        await self.close()
        return true
      },
      scanner(_call, self, split) {
        if (!self.isOpen) throw new RuntimeError('Invalid', `file is closed: ${self.path}`)
        return scanner(self, optionalText(split, 2, 'scanner') ?? 'lines')
      },
    },
  })
}

async function write(volume: Volume, path: string, data: Uint8Array | Reader, mode: OpenMode): Promise<void> {
  if (mode === 'r') throw new RuntimeError('Invalid', "invalid mode: must be 'w', 'wx' or 'a'")
  if (mode === 'w') {
    return volume.replaceFile(path, async (file) => {
      for await (const piece of pieces(data)) await file.appendFile(piece)
    })
  }
  const file = await volume.open(path, mode)
  try {
    for await (const piece of pieces(data)) await file.appendFile(piece)
  } finally {
    await file.close()
  }
}

async function* pieces(data: Uint8Array | Reader): AsyncGenerator<Uint8Array> {
  if (data instanceof Uint8Array) {
    yield data
    return
  }
  for (;;) {
    const piece = await data.read(PIECE)
    if (piece === undefined) return
    yield piece
  }
}

function source(data: unknown): Uint8Array | Reader {
  if (data instanceof LuaObject) {
    const reader = data.value as Partial<Reader> | null
    if (typeof reader?.read === 'function') return reader as Reader
    raise(`bad argument #3 to writefile (string or reader expected, got ${data.type.spec.name})`)
  }
  return bytes(data, 3, 'writefile')
}

function openMode(argument: unknown, name: string): OpenMode {
  const mode = text(argument, 3, name)
  if (mode === 'r' || mode === 'w' || mode === 'wx' || mode === 'a') return mode
  throw new RuntimeError('Invalid', "invalid mode: must be 'r', 'w', 'wx' or 'a'")
}

function statTable({ name, size, mode, modified, is_dir, type }: FileStat) {
  return { name, size, mode, modified, is_dir, type }
}
