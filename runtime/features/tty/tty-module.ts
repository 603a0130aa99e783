// The `tty` module: what programs that fill the screen need. Keys and mouse as events, styles, layout.

import type { Clock } from '../../core/clock.ts'
import { moduleError } from '../../core/error.ts'
import { type Call, type LuaModule, list, number, results, table, text } from '../../lua/module.ts'
import type { Process } from '../../process/process.ts'
import type { Terminal } from '../../process/terminal.ts'
import { bindingType, makeBinding } from './bindings.ts'
import { linesOf, textWidth } from './cells.ts'
import { joinHorizontal, joinVertical, placeHorizontal, placeVertical } from './layout.ts'
import { TtySession } from './session.ts'
import { plainStyle } from './style.ts'
import { createStyleType } from './style-type.ts'

export interface TtyDeps {
  /** The terminal of a process that runs on a terminal host; others have none. */
  readonly terminalOf: (process: Process) => Terminal | undefined
  readonly clock: Clock
}

const EVENT_CAPACITY = 256
const LARGEST = 10_000

export const ttyModule = ({ terminalOf, clock }: TtyDeps): LuaModule => {
  const sessions = new WeakMap<Process, TtySession>()
  const terminal = (call: Call): Terminal => {
    const found = terminalOf(call.process)
    if (found === undefined) throw moduleError('Unavailable', 'no terminal context')
    return found
  }
  /** One per process; whatever it switched on is switched off when the process ends. */
  const session = (call: Call): TtySession => {
    let found = sessions.get(call.process)
    if (found === undefined) {
      const made = new TtySession(terminal(call), clock)
      call.own({ close: () => made.stop() })
      sessions.set(call.process, made)
      found = made
    }
    return found
  }
  const styleType = createStyleType({ colors: (call) => terminalOf(call.process)?.onScreen ?? false })

  return {
    name: 'tty',
    description: 'Input events, styles and layout for terminal programs',
    traits: ['io', 'nondeterministic'],
    open: () => ({
      start(call: Call) {
        session(call).start()
        return true
      },
      stop(call: Call) {
        session(call).stop()
        return true
      },
      events(call: Call) {
        const channel = call.channel(EVENT_CAPACITY)
        session(call).listen(channel)
        return channel
      },
      screen_size(call: Call) {
        const size = terminal(call).size
        if (size !== undefined) return results(size.width, size.height)
        return results(null, null, moduleError('Internal', 'screen_size: standard output is not a terminal'))
      },
      mouse(call: Call, on: unknown) {
        session(call).mouse(on !== false)
        return true
      },
      bind: (_call: Call, config: unknown) => bindingType.wrap(makeBinding(table(config, 1, "'bind'"))),
      style: () => styleType.wrap(plainStyle),
      borders: { NORMAL: 'normal', ROUNDED: 'rounded', THICK: 'thick', DOUBLE: 'double', HIDDEN: 'hidden' },
      align: { LEFT: 0, CENTER: 0.5, RIGHT: 1 },
      text: {
        width: (_call: Call, value: unknown) => textWidth(text(value, 1, "'width'")),
        height: (_call: Call, value: unknown) => linesOf(text(value, 1, "'height'")).length,
        size(_call: Call, value: unknown) {
          const shown = text(value, 1, "'size'")
          return results(textWidth(shown), linesOf(shown).length)
        },
        max_width: (_call: Call, values: unknown) => Math.max(0, ...blocks(values, 'max_width').map(textWidth)),
        max_height: (_call: Call, values: unknown) =>
          Math.max(0, ...blocks(values, 'max_height').map((block) => linesOf(block).length)),
        join_horizontal: (_call: Call, position: unknown, ...parts: unknown[]) =>
          joinHorizontal(number(position, 1, "'join_horizontal'"), blocks(parts, 'join_horizontal')),
        join_vertical: (_call: Call, position: unknown, ...parts: unknown[]) =>
          joinVertical(number(position, 1, "'join_vertical'"), blocks(parts, 'join_vertical')),
        place(_call: Call, width: unknown, height: unknown, across: unknown, down: unknown, value: unknown) {
          const row = placeHorizontal(cells(width, 1, 'place'), number(across, 3, "'place'"), text(value, 5, "'place'"))
          return placeVertical(cells(height, 2, 'place'), number(down, 4, "'place'"), row)
        },
        place_horizontal: (_call: Call, width: unknown, position: unknown, value: unknown) =>
          placeHorizontal(
            cells(width, 1, 'place_horizontal'),
            number(position, 2, "'place_horizontal'"),
            text(value, 3, "'place_horizontal'"),
          ),
        place_vertical: (_call: Call, height: unknown, position: unknown, value: unknown) =>
          placeVertical(
            cells(height, 1, 'place_vertical'),
            number(position, 2, "'place_vertical'"),
            text(value, 3, "'place_vertical'"),
          ),
        position: { TOP: 0, LEFT: 0, CENTER: 0.5, BOTTOM: 1, RIGHT: 1 },
      },
    }),
  }
}

function blocks(values: unknown, name: string): string[] {
  return list(values, 1, `'${name}'`).map((value, i) => text(value, i + 1, `'${name}'`))
}

function cells(value: unknown, position: number, name: string): number {
  const count = Math.trunc(number(value, position, `'${name}'`))
  if (count >= 0 && count <= LARGEST) return count
  throw moduleError('Invalid', `${name}: ${count} is not from 0 to ${LARGEST}`)
}
