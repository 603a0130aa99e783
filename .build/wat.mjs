// Assembles runtime/lua/wasm/side.wat into side.wasm. Run after editing it; a test fails when the two disagree.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import loadWabt from 'wabt'

const folder = path.resolve(import.meta.dirname, '../runtime/lua/wasm')
const wabt = await loadWabt()
const parsed = wabt.parseWat('side.wat', readFileSync(path.join(folder, 'side.wat')), { bulk_memory: true })
writeFileSync(path.join(folder, 'side.wasm'), parsed.toBinary({}).buffer)
