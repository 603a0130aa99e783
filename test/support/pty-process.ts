// A program in a terminal of its own, with a screen to look at.

import { type IPty, spawn } from '@lydell/node-pty'
import xterm from '@xterm/headless'

export interface PtyProcess {
  readonly pty: IPty
  /** All bytes that came out. */
  bytes(): string
  /** The lines of the screen without blanks at their ends, up to the last that is not empty. */
  lines(): string[]
  type(keys: string): void
  /** Resolves when the screen fits; rejects with what it shows when it does not in time. */
  until(fits: (lines: string[]) => boolean, ms?: number): Promise<void>
  readonly exited: Promise<number>
  close(): void
}

export interface PtyOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly columns?: number
}

export function startInPty(file: string, args: readonly string[], { cwd, env, columns = 100 }: PtyOptions): PtyProcess {
  const pty = spawn(file, [...args], { cwd, env: { ...env, TERM: 'xterm-256color' }, cols: columns, rows: 40 })
  const screen = new xterm.Terminal({ cols: columns, rows: 40, allowProposedApi: true, scrollback: 1_000 })
  const watchers = new Set<() => void>()
  let bytes = ''
  pty.onData((text) => {
    bytes += text
    screen.write(text, () => {
      for (const watch of [...watchers]) watch()
    })
  })
  // Answers of the emulator, as a real terminal gives them.
  screen.onData((answer) => pty.write(answer))
  const exited = new Promise<number>((resolve) => pty.onExit(({ exitCode }) => resolve(exitCode)))
  const lines = (): string[] => {
    const { active } = screen.buffer
    const all = Array.from({ length: active.length }, (_, row) =>
      (active.getLine(row)?.translateToString() ?? '').trimEnd(),
    )
    return all.slice(0, all.findLastIndex((line) => line !== '') + 1)
  }
  return {
    pty,
    bytes: () => bytes,
    lines,
    type: (keys) => pty.write(keys),
    until(fits, ms = 10_000) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          watchers.delete(watch)
          reject(new Error(`the screen shows:\n${lines().join('\n')}`))
        }, ms)
        const watch = (): void => {
          if (!fits(lines())) return
          clearTimeout(timer)
          watchers.delete(watch)
          resolve()
        }
        watchers.add(watch)
        watch()
      })
    },
    exited,
    close() {
      try {
        pty.kill('SIGKILL')
      } catch {
        // It has ended already.
      }
      screen.dispose()
    },
  }
}
