// Runs the chunks of the bundle, and keeps what V8 compiled of them beside them: compiling was a third of a start. Only the
// launchers that the build writes use it; from TypeScript sources nothing is bundled.

import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { cachedDataVersionTag } from 'node:v8'
import { Script } from 'node:vm'

interface Chunk {
  readonly exports: object
  readonly script: Script
  /** The file of its compiled code. */
  readonly compiled: string
}

/**
 * A chunk as a function: what CommonJS wraps around a module, without the parts that rolldown does not use, and with an import: code
 * that was kept has forgotten how to.
 */
type Body = (exports: object, require: Require, filename: string, importModule: ImportModule) => void
type Require = (id: string) => unknown
type ImportModule = (id: string) => Promise<unknown>

/** A start is over by then. A process that ends sooner keeps its code when it ends. */
const STARTED_MS = 3_000

class Bundle {
  readonly #folder = fileURLToPath(new URL('./bundle/', import.meta.url))
  readonly #outside = createRequire(import.meta.url)
  readonly #chunks = new Map<string, Chunk>()
  #cache: string | undefined
  #keeping = false

  /** The exports of a chunk. A process has one of each, whoever asks: classes are compared by identity. */
  load(name: string): object {
    const known = this.#chunks.get(name)
    if (known !== undefined) return known.exports
    // Functions that were never called are not compiled: a worker thread calls others than the command line.
    this.#cache ??= `${this.#folder}.cache/${engineKey()}/${name}/`
    const filename = this.#folder + name
    const compiled = `${this.#cache}${name}.${statSync(filename).mtimeMs.toString(36)}`
    const cachedData = readCompiled(compiled)
    const text = readFileSync(filename, 'latin1')
    const script = new Script(`(function (exports, require, __filename, importModule) {\n${text}\n})`, {
      filename,
      lineOffset: -1,
      ...(cachedData && { cachedData }),
    })
    if (script.cachedDataRejected !== false) this.#keepLater()
    const chunk: Chunk = { exports: {}, script, compiled }
    this.#chunks.set(name, chunk)
    const body = script.runInThisContext() as Body // the function just written
    const require: Require = (id) => (id.startsWith('./') ? this.load(id.slice(2)) : this.#outside(id))
    body(chunk.exports, require, filename, (id) => import(id))
    return chunk.exports
  }

  /**
   * Code is kept by a process that needed a chunk of which none was kept: it went further than those before it. Others write
   * nothing. Not at once, because V8 compiles a function when it is first called, and those of the start are to be in it.
   */
  #keepLater(): void {
    if (this.#keeping) return
    this.#keeping = true
    const engine = engineKey()
    const keep = () => {
      if (!this.#keeping) return
      this.#keeping = false
      process.off('exit', keep)
      // V8 refuses code that was made under other flags, and a command may have set some since.
      if (engine === engineKey()) this.#keep()
    }
    process.once('exit', keep)
    setTimeout(keep, STARTED_MS).unref()
  }

  #keep(): void {
    try {
      if (this.#cache !== undefined) mkdirSync(this.#cache, { recursive: true })
      for (const { script, compiled } of this.#chunks.values()) writeCompiled(compiled, script.createCachedData())
    } catch {
      // Installed where only others may write, or the disk is full: the next start compiles again, as this one did.
    }
  }
}

/** V8's own tag covers its version, its flags and what the processor can do. */
function engineKey(): string {
  return `${process.version}-${process.arch}-${cachedDataVersionTag().toString(36)}`
}

/**
 * V8 believes compiled code blindly: one wrong bit ends the process. So a file holds it twice, and counts if both are equal.
 * A checksum would say the same, but the modules that can make one take longer to load than the second half to read.
 */
function readCompiled(file: string): Buffer | undefined {
  try {
    const twice = readFileSync(file)
    const code = twice.subarray(0, twice.length / 2)
    return code.equals(twice.subarray(code.length)) ? code : undefined
  } catch {
    return undefined // not kept yet
  }
}

/** Whole or not at all: other processes may be starting. */
function writeCompiled(file: string, code: Buffer): void {
  const unfinished = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`
  writeFileSync(unfinished, Buffer.concat([code, code]))
  renameSync(unfinished, file)
}

const bundle = new Bundle()

export const loadBundle = (name: string): object => bundle.load(name)
