/**
 * Entry point of the runner's script. The main thread talks to the agent and never runs a guest. Each other thread runs
 * this script again, as a worker.
 */
import { Socket } from 'node:net';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { runHost } from './host.ts';
import { runThread } from './threads/thread.ts';

/** The pipe to the agent, next to stdin, stdout and stderr. */
const pipeFd = 3;

if (isMainThread) {
  runHost({
    pipe: new Socket({ fd: pipeFd }),
    settings: JSON.parse(process.argv[2] ?? ''),
    script: new URL(import.meta.url),
  });
} else if (parentPort) {
  runThread(parentPort, workerData);
}
