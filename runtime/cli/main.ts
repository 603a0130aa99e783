#!/usr/bin/env node
// The `wippy` executable: parses the command line, runs one command, turns its end into an exit code.

import { setFlagsFromString } from 'node:v8'

// Worker threads make much garbage when they start: with room for it their collector runs a few times and not thirty. The heap
// of this thread is laid out already.
setFlagsFromString('--min-semi-space-size=32')

const { runCommandLine } = await import('./program.ts')
// Not `process.exitCode`: what an app left open must not keep the terminal.
process.exit(await runCommandLine(process.argv.slice(2)))
