// The flagship application in this process, with pipes for a terminal: say a line, await what is printed.

import { resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import type { Entry } from '../../runtime/core/entry.ts'
import { createHost, type Host, type Outcome } from '../../runtime/create-host.ts'
import { type Loaded, loadProject } from '../../runtime/loader/load.ts'
import { Kernel } from '../../runtime/process/kernel.ts'
import { Terminal } from '../../runtime/process/terminal.ts'

const root = resolve(import.meta.dirname, '../..')

/** The repository as a project; read once per test file. */
export function loadRepository(): Promise<Loaded> {
  return loadProject({ root, env: {} })
}

export interface DialogueOptions {
  readonly loaded: Loaded
  readonly env?: Readonly<Record<string, string>>
  readonly entries?: readonly Entry[]
}

export class Dialogue {
  readonly host: Host
  readonly ended: Promise<Outcome>
  readonly pid: string
  /** All that was printed so far. */
  output = ''
  errors = ''
  readonly #stdin: PassThrough
  readonly #listeners = new Set<() => void>()

  private constructor(host: Host, streams: { stdin: PassThrough; stdout: PassThrough; stderr: PassThrough }) {
    this.host = host
    this.#stdin = streams.stdin
    streams.stdout.on('data', (bytes: Buffer) => {
      this.output += bytes.toString('utf8')
      for (const listener of [...this.#listeners]) listener()
    })
    streams.stderr.on('data', (bytes: Buffer) => {
      this.errors += bytes.toString('utf8')
    })
    this.pid = host.spawn('app:agent', 'wippy.terminal:host')
    const process = host.kernel.find(this.pid)
    this.ended = new Promise((done) => host.kernel.watch(process, (exit) => done(Kernel.outcome(exit))))
  }

  static async start({ loaded, env = {}, entries = [] }: DialogueOptions): Promise<Dialogue> {
    const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
    const host = await createHost({ loaded, env, entries, terminal: new Terminal(streams) })
    await host.start()
    const dialogue = new Dialogue(host, streams)
    await dialogue.until(/> $/)
    return dialogue
  }

  /** Types a line and gives what is printed until the next prompt. */
  async ask(line: string): Promise<string> {
    const from = this.output.length
    this.type(line)
    await this.until(/(?:^|\n)> $/, from)
    return this.output.slice(from).replace(/> $/, '')
  }

  type(line: string): void {
    this.#stdin.write(`${line}\n`)
  }

  endInput(): void {
    this.#stdin.end()
  }

  /** Resolves when what was printed after `from` matches. */
  until(pattern: RegExp, from = 0): Promise<void> {
    return new Promise((done) => {
      const check = (): void => {
        if (!pattern.test(this.output.slice(from))) return
        this.#listeners.delete(check)
        done()
      }
      this.#listeners.add(check)
      check()
    })
  }

  /** Ctrl-C, as the terminal passes it on. */
  interrupt(): void {
    this.host.kernel.find(this.pid).event({ kind: 'pid.interrupt', from: '', at: 0 })
  }

  async close(): Promise<void> {
    this.#stdin.end()
    await this.host.stop()
  }
}
