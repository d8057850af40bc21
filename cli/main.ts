#!/usr/bin/env node
/**
 * The `skerry` command.
 *
 * Node caches the result of removing types and compiling, by the content of each file. The cache's folder is writable
 * only for users who can change the sources as well. This file is compiled before the cache is on. scripts/skerry
 * switches the cache on earlier, and so saves that, too. NODE_DISABLE_COMPILE_CACHE=1 switches it off.
 */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

enableCompileCache(fileURLToPath(new URL('./node_modules/.cache/skerry/compiled', import.meta.url)));
const { runProgram } = await import('./program.ts');
const { processTerminal } = await import('./terminal/terminal.ts');

process.exitCode = await runProgram(process.argv.slice(2), processTerminal());
