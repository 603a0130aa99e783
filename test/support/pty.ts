// A terminal inside the test: its two ends as streams. What the person types goes into `keyboard`, what they would see comes
// out of `screen`, as a terminal emulator draws it.

import { openSync } from 'node:fs'
import type { ReadStream } from 'node:tty'
import { WriteStream } from 'node:tty'
import { open as openPty } from '@lydell/node-pty'
import xterm from '@xterm/headless'

/** The fields of node-pty's Unix terminal that a test of the inner side needs; its types show only the outer one. */
interface InnerSide {
  readonly _slave: ReadStream
  readonly _pty: string
  readonly _master: NodeJS.ReadWriteStream
}

export interface TestTerminal {
  readonly stdin: ReadStream
  readonly stdout: WriteStream
  /** All bytes that came out. */
  readonly bytes: () => string
  type(keys: string): void
  /** The lines on the screen without blanks at their ends, up to the last that is not empty. */
  lines(): string[]
  /** Column of the cursor, from 0. */
  column(): number
  /** Resolves when the screen fits; rejects with what it shows when it does not in time. */
  until(fits: (lines: string[]) => boolean): Promise<void>
  close(): void
}

export function testTerminal(columns = 80): TestTerminal {
  const pty = openPty({ cols: columns, rows: 24 }) as unknown as InnerSide
  const screen = new xterm.Terminal({ cols: columns, rows: 24, allowProposedApi: true, scrollback: 1_000 })
  const stdout = new WriteStream(openSync(pty._pty, 'r+'))
  // node-pty lets its end flow, which would swallow what is typed before the test reads.
  pty._slave.pause()
  let bytes = ''
  const watchers = new Set<() => void>()
  pty._master.on('data', (chunk: Buffer | string) => {
    bytes += chunk.toString()
    screen.write(chunk.toString(), () => {
      for (const watch of [...watchers]) watch()
    })
  })
  const lines = (): string[] => {
    const { active } = screen.buffer
    const all = Array.from({ length: active.length }, (_, row) =>
      (active.getLine(row)?.translateToString() ?? '').trimEnd(),
    )
    return all.slice(0, all.findLastIndex((line) => line !== '') + 1)
  }
  return {
    stdin: pty._slave,
    stdout,
    bytes: () => bytes,
    type: (keys) => void pty._master.write(keys),
    lines,
    column: () => screen.buffer.active.cursorX,
    until(fits) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          watchers.delete(watch)
          reject(new Error(`the screen shows:\n${lines().join('\n')}`))
        }, 5_000)
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
    close() {
      screen.dispose()
      stdout.destroy()
      pty._slave.destroy()
      ;(pty._master as unknown as { destroy(): void }).destroy()
    },
  }
}
