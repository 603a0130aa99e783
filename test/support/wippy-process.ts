// The command line as a user has it: `node dist/cli/main.js …` as a child process, over pipes.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const cli = join(repository, 'dist', 'cli', 'main.js')

export interface WippyProcess {
  readonly child: ChildProcessWithoutNullStreams
  /** Everything on stdout and stderr so far. */
  readonly stdout: string
  readonly stderr: string
  write(text: string): void
  /** Closes stdin. */
  end(): void
  /** Resolves when stdout (or both, if asked) matches; rejects with what there is after the time. */
  until(pattern: RegExp, options?: { stream?: 'stdout' | 'stderr'; ms?: number }): Promise<RegExpExecArray>
  /** Resolves with the exit code, -1 for a signal. */
  readonly exited: Promise<number>
}

export interface WippyOptions {
  readonly cwd?: string
  /** Laid over an environment without any key or address of a model. */
  readonly env?: Readonly<Record<string, string>>
}

const cleared = ['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'OPENAI_API', 'OPENAI_MODEL', 'WIPPY_DOCS_URL']

export function startWippy(args: readonly string[], { cwd = repository, env = {} }: WippyOptions = {}): WippyProcess {
  const base = Object.fromEntries(Object.entries(process.env).filter(([name]) => !cleared.includes(name)))
  const child = spawn(process.execPath, [cli, ...args], { cwd, env: { ...base, NO_COLOR: '1', ...env } })
  const output = { stdout: '', stderr: '' }
  const watchers = new Set<() => void>()
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text
      for (const watch of [...watchers]) watch()
    })
  }
  const exited = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)))
  return {
    child,
    get stdout() {
      return output.stdout
    },
    get stderr() {
      return output.stderr
    },
    write: (text) => void child.stdin.write(text),
    end: () => void child.stdin.end(),
    until(pattern, { stream = 'stdout', ms = 10_000 } = {}) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          watchers.delete(watch)
          reject(new Error(`${pattern} did not appear\nstdout:\n${output.stdout}\nstderr:\n${output.stderr}`))
        }, ms)
        const watch = (): void => {
          const match = pattern.exec(output[stream])
          if (match === null) return
          clearTimeout(timer)
          watchers.delete(watch)
          resolve(match)
        }
        watchers.add(watch)
        watch()
      })
    },
    exited,
  }
}

/** Runs to the end with this input. */
export async function runWippy(
  args: readonly string[],
  input = '',
  options: WippyOptions = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const wippy = startWippy(args, options)
  wippy.write(input)
  wippy.end()
  const code = await wippy.exited
  return { code, stdout: wippy.stdout, stderr: wippy.stderr }
}
