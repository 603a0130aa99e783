// Compiles runtime/ to dist/ and copies the assets that tsc leaves behind (Lua, wasm). Also what `npm install` in a clone runs.
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
// A published package carries dist/ and no TypeScript sources: nothing to build there.
if (existsSync(path.join(root, 'runtime'))) {
  const dist = path.join(root, 'dist')
  const tsc = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.json'], { cwd: root, stdio: 'inherit' })
  cpSync(path.join(root, 'runtime'), dist, { recursive: true, filter: (file) => !/\.(ts|wat)$/.test(file) })
  chmodSync(path.join(dist, 'cli', 'main.js'), 0o755)
}
