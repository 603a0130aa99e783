// The modules that work on data alone and need nothing of the running system: every thread that runs Lua opens its own.

import type { Clock } from '../core/clock.ts'
import type { LuaModule } from '../lua/module.ts'
import type { Offload } from '../offload/offload.ts'
import { base64Module } from './base64.ts'
import { compressModule } from './compress/compress-module.ts'
import { cryptoModule } from './crypto/crypto-module.ts'
import { ctxModule } from './ctx.ts'
import { errorsModule } from './errors.ts'
import { exprModule } from './expr/expr-module.ts'
import { hashModule } from './hash.ts'
import { htmlModule } from './html/html-module.ts'
import { jsonModule } from './json/json-module.ts'
import { osModule } from './os.ts'
import { payloadModule } from './payload.ts'
import { textModule } from './text/text-module.ts'
import { localLocation } from './time/local-zone.ts'
import { zoneDatabase } from './time/location.ts'
import { timeModule } from './time/time-module.ts'
import { urlModule } from './url.ts'
import { uuidModule } from './uuid.ts'
import { yamlModule } from './yaml.ts'

export interface DataModuleDeps {
  readonly clock: Clock
  readonly offload: Offload
}

/** Those of them that need no grant (spec/lua-modules.md §2); the global `process` is the one beside them. */
export function globalDataModules({ clock }: Pick<DataModuleDeps, 'clock'>): LuaModule[] {
  const local = localLocation(zoneDatabase())
  return [errorsModule, payloadModule, osModule({ clock, zoneAt: (second) => local.lookup(second).abbreviation })]
}

export function dataModules({ clock, offload }: DataModuleDeps): LuaModule[] {
  return [
    jsonModule({ offload }),
    timeModule({ clock }),
    base64Module,
    hashModule,
    uuidModule,
    urlModule,
    cryptoModule({ clock }),
    textModule({ offload }),
    yamlModule({ offload }),
    exprModule({ now: () => clock.wallNanos() }),
    ctxModule,
    compressModule,
    htmlModule,
  ]
}
