// Compiles runtime/ to dist/, copies the assets that tsc leaves behind (Lua, wasm, tables), and bundles what starts: three
// hundred small modules take longer to load than to run. Also what `npm install` in a clone runs.

import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const dist = path.join(root, 'dist')
const command = path.join(dist, 'cli', 'main.js')
// What every start loads: these packages are many small files too.
const inlined = new Set(['commander', 'nanoid', 'uuid', 'xstate'])
// What most starts do not need, and takes milliseconds.
const lateBuiltins = new Set(['child_process', 'crypto', 'net', 'os', 'readline', 'worker_threads', 'zlib'])
// A published package carries dist/ and no TypeScript sources: nothing to build there.
if (existsSync(path.join(root, 'runtime'))) {
  compile()
  await patch()
  await bundle()
  start()
}

function compile() {
  const tsc = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
  const compiled = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.json'], { cwd: root, stdio: 'inherit' })
  // A type error is an error, and still leaves something to run: whoever works on another file wants to go on.
  if (compiled.status !== 0) process.exitCode = 1
  cpSync(path.join(root, 'runtime'), dist, { recursive: true, filter: (file) => !/\.(ts|wat)$/.test(file) })
}

async function patch() {
  const { patchedGlue } = await import('../dist/lua/wasm.js')
  writeFileSync(path.join(dist, 'lua', 'wasm', 'glue.wasm'), patchedGlue())
}

/** The entry points become launchers of their bundles; every other compiled file stays beside its assets. */
async function bundle() {
  const { rolldown } = await import('rolldown')
  const build = await rolldown({
    input: ['cli/program.js', 'index.js', 'threads/worker/worker-runtime.js'].map((entry) => path.join(dist, entry)),
    platform: 'node',
    // Other packages stay where npm put them.
    external: (id) => !id.startsWith('.') && !path.isAbsolute(id) && !inlined.has(id),
    plugins: [{ name: 'own-place', transform: inPlace }],
    // What one entry loads later another needs at once.
    checks: { ineffectiveDynamicImport: false },
  })
  // CommonJS, because V8 keeps compiled code of scripts and not of modules; with their hashes in their names, because it
  // tells one source from another by the length.
  const chunk = '[name]-[hash].cjs'
  const { output } = await build.generate({
    format: 'cjs',
    entryFileNames: chunk,
    chunkFileNames: chunk,
    comments: false,
  })
  const folder = path.join(dist, 'bundle')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  for (const { fileName, code, isEntry, facadeModuleId, exports } of output) {
    writeFileSync(path.join(folder, fileName), inAscii(importing(whenUsed(code))))
    if (isEntry) writeFileSync(facadeModuleId, launcher(facadeModuleId, fileName, exports))
  }
  chmodSync(command, 0o755)
}

/** `let node_zlib = require("node:zlib")` becomes a function that requires it when it is first called. */
function whenUsed(code) {
  let late = code
  for (const [statement, name, builtin] of code.matchAll(/^\s*(?:let|const) (\w+) = require\("node:(\w+)"\);$/gm)) {
    if (!lateBuiltins.has(builtin)) continue
    late = late
      .replaceAll(new RegExp(`\\bnew ${name}\\.(\\w+)`, 'g'), `new (${name}().$1)`)
      .replaceAll(new RegExp(`\\b${name}\\.`, 'g'), `${name}().`)
      .replace(statement, `let ${name}Loaded;\nconst ${name} = () => (${name}Loaded ??= require("node:${builtin}"));`)
  }
  return late
}

/** The loader of the bundle brings an import of its own (runtime/load-bundle.ts). */
function importing(code) {
  return code.replaceAll(/\bimport\(/g, 'importModule(')
}

/** One byte a character: read in a third of the time, and half the memory. All that is not ASCII stands in strings and names. */
function inAscii(code) {
  const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return code.replace(/[^\0-\x7f]/g, escaped)
}

/** Names of an ES module stand in its text. */
function launcher(module, chunk, exports) {
  const loader = path.relative(path.dirname(module), path.join(dist, 'load-bundle.js')).split(path.sep).join('/')
  const source = loader.startsWith('.') ? loader : `./${loader}`
  return `import { loadBundle } from '${source}'\nexport const { ${exports.join(', ')} } = loadBundle('${chunk}')\n`
}

/** Starts a small app, which leaves its compiled code for the starts after it. Should it fail, the first of those does the same. */
function start() {
  const cwd = path.join(import.meta.dirname, 'first-start')
  spawnSync(process.execPath, [command, 'run', '-x', 'app:hello'], { cwd, stdio: 'ignore', timeout: 20_000 })
}

/** A module finds its assets from where tsc put it, not from the bundle. */
function inPlace(code, id) {
  if (!code.includes('import.meta.url')) return null
  const place = path.relative(path.join(dist, 'bundle'), id).split(path.sep).join('/')
  return {
    code: code.replaceAll('import.meta.url', `new URL(${JSON.stringify(place)}, import.meta.url).href`),
    map: null,
  }
}
