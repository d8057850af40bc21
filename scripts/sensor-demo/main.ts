/** `scripts/sensor` after its first step: arguments in, exit code out. */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runSensorDemo } from './run.ts';

const { values } = parseArgs({
  options: { once: { type: 'boolean', default: false }, data: { type: 'string', default: '.skerry/sensor' } },
});

// A reader that closes the pipe does not end the run.
process.stdout.on('error', () => {});
const data = resolve(values.data);
try {
  await runSensorDemo({
    data,
    once: values.once,
    env: process.env,
    keys: process.stdin,
    print: (text) => void process.stdout.write(text),
    onSignal(listener) {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, listener);
    },
  });
} catch (error) {
  process.stderr.write(
    `\nscripts/sensor: ${(error as Error).message}\nLogs, if it came to that: ${join(data, 'logs')}/\n`,
  );
  process.exitCode = 1;
}
process.stdin.destroy();
