#!/usr/bin/env node
// The `wippy` executable: parses the command line, runs one command, turns its end into an exit code.

import { setFlagsFromString } from 'node:v8'

// Starting makes much garbage at once: with room for it the collector runs a few times and not thirty.
setFlagsFromString('--min-semi-space-size=32')

const { runCommandLine } = await import('./program.ts')
// Not `process.exitCode`: what an app left open must not keep the terminal.
process.exit(await runCommandLine(process.argv.slice(2)))
