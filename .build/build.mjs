// Compiles runtime/ to dist/, copies the assets that tsc leaves behind (Lua, wasm, tables), and bundles what starts: three
// hundred small modules take longer to load than to run. Also what `npm install` in a clone runs.

import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const dist = path.join(root, 'dist')
// What every start loads: these packages are many small files too.
const inlined = new Set(['commander', 'nanoid', 'uuid', 'xstate'])
// A published package carries dist/ and no TypeScript sources: nothing to build there.
if (existsSync(path.join(root, 'runtime'))) {
  compile()
  await bundle()
}

function compile() {
  const tsc = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
  const compiled = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.json'], { cwd: root, stdio: 'inherit' })
  // A type error is an error, and still leaves something to run: whoever works on another file wants to go on.
  if (compiled.status !== 0) process.exitCode = 1
  cpSync(path.join(root, 'runtime'), dist, { recursive: true, filter: (file) => !/\.(ts|wat)$/.test(file) })
}

/** The entry points become launchers of their bundles; every other compiled file stays beside its assets. */
async function bundle() {
  const { rolldown } = await import('rolldown')
  const entries = {
    main: path.join(dist, 'cli', 'main.js'),
    index: path.join(dist, 'index.js'),
    worker: path.join(dist, 'threads', 'worker', 'worker.js'),
  }
  const build = await rolldown({
    input: entries,
    platform: 'node',
    // Other packages stay where npm put them.
    external: (id) => !id.startsWith('.') && !path.isAbsolute(id) && !inlined.has(id),
    plugins: [{ name: 'own-place', transform: inPlace }],
  })
  await build.write({ dir: path.join(dist, 'bundle'), format: 'esm', chunkFileNames: '[name].js' })
  writeFileSync(entries.main, "#!/usr/bin/env node\nimport '../bundle/main.js'\n")
  writeFileSync(entries.index, "export * from './bundle/index.js'\n")
  writeFileSync(entries.worker, "import '../../bundle/worker.js'\n")
  chmodSync(entries.main, 0o755)
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
