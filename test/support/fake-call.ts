// A Call without an engine: what a host function needs to run in a test of its own. Ending it aborts its signal and closes
// what it owns, as the end of a process does.

import { emptyFrame, type Frame } from '../../runtime/core/frame.ts'
import type { Call } from '../../runtime/lua/module.ts'
import type { Process } from '../../runtime/process/process.ts'

export interface FakeCall extends Call {
  end(): void
  readonly owned: ReadonlySet<{ close(): void }>
}

export function fakeCall(frame: Frame = emptyFrame): FakeCall {
  const controller = new AbortController()
  const owned = new Set<{ close(): void }>()
  const process: Process = {
    serial: 1,
    pid: '{app:host|0x00001}',
    host: 'app:host',
    definition: 'app:test',
    frame,
    options: { trap_links: false, upgradable: false, interrupts: false },
    get ended() {
      return controller.signal.aborted
    },
    startedAt: 0,
    deliver: () => {},
    event: () => {},
    terminate: () => controller.abort(),
  }
  return {
    process,
    frame,
    definition: 'app:test',
    signal: controller.signal,
    lifetime: controller.signal,
    where: () => 'app:test:1',
    channel: () => {
      throw new Error('this call has no channels')
    },
    own(resource) {
      owned.add(resource)
      return { release: () => void owned.delete(resource) }
    },
    work(step, result) {
      while (!step());
      return result()
    },
    charge: () => {},
    owned,
    end() {
      controller.abort()
      for (const resource of owned) resource.close()
    },
  }
}

/** What Lua would get: plain results as they are, a thrown RuntimeError as `[nil, err]`. */
export async function luaResult(run: () => unknown): Promise<[unknown, unknown]> {
  try {
    return [await run(), undefined]
  } catch (error) {
    return [undefined, error]
  }
}
