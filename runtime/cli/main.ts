#!/usr/bin/env node
// The `wippy` executable: parses the command line, runs one command, turns its end into an exit code.

import * as nodeModule from 'node:module'
import { setFlagsFromString } from 'node:v8'

// Compiled code is kept between runs where Node can do that (22.8 and later): start-up is a feature.
;(nodeModule as { enableCompileCache?: () => void }).enableCompileCache?.()

// Starting makes much garbage at once: with room for it the collector runs a few times and not thirty.
setFlagsFromString('--min-semi-space-size=32')

const { runCommandLine } = await import('./program.ts')
// Not `process.exitCode`: what an app left open must not keep the terminal.
process.exit(await runCommandLine(process.argv.slice(2)))
