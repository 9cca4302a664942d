#!/usr/bin/env node
/** Puts the parts together: the command line with the threads behind it. */
import { runProgram } from './cli/program.ts'
import { listenForControl } from './control.ts'
import { startAgain } from './process-start.ts'
import { startServer } from './supervisor.ts'

if (process.argv[2] === 'serve') startAgain()
await runProgram({ startServer, listenForControl }, process.argv)
