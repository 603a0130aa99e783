#!/usr/bin/env node
// The `wippy` executable: parses the command line, runs one command, turns its end into an exit code.

import * as nodeModule from 'node:module'

// Compiled code is kept between runs where Node can do that (22.8 and later): start-up is a feature.
;(nodeModule as { enableCompileCache?: () => void }).enableCompileCache?.()

const { runCommandLine } = await import('./program.ts')
// Not `process.exitCode`: what an app left open must not keep the terminal.
process.exit(await runCommandLine(process.argv.slice(2)))
