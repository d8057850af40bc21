/**
 * The baseline for events: subscribes, acknowledges at once, and runs the same function in the same runner. It writes
 * nothing to disk and reports no outcome. It prints a line for each second in which a function ran.
 */
import { createRunner } from '@skerry/edge-agent/runner/runner.ts';
import { computeDigest } from '@skerry/shared/function/bundle.ts';
import { grantsSchema } from '@skerry/shared/function/manifest.ts';
import { connect } from 'mqtt';
import { pino } from 'pino';
import { prepareFixture } from '../../fixtures/bundles.ts';

const { BENCH_BROKER = '', BENCH_TOPIC = '', BENCH_EVENTS = '0', BENCH_CONCURRENCY = '1' } = process.env;
const { bundle } = await prepareFixture('handler');
const digest = computeDigest(bundle);
const runner = createRunner({
  readBundle: () => bundle,
  capabilities: {
    answer: () => Promise.reject(new Error('nothing is granted')),
    fetch: () => {
      throw new Error('nothing is granted');
    },
  },
  threads: 2,
  queue: 1_000,
  idleMs: 600_000,
  memoryBytes: 2 ** 30,
  deviceIsShort: () => false,
  onLost: () => undefined,
  log: pino({ level: 'silent' }),
});
await runner.load(digest);
const granted = { function: 'f', grants: grantsSchema.parse(undefined) };
const environment = JSON.stringify({
  function: 'f',
  env: {},
  args: [],
  config: {},
  directories: [],
  logBytesPerSecond: 16_384,
  bodyBytes: 2 ** 32,
});

const waiting: Buffer[] = [];
let running = 0;
let done = 0;
let began = 0;

async function run(input: Buffer): Promise<void> {
  running += 1;
  const call = {
    id: `event-${done}-${running}-${Math.random()}`,
    bundle: digest,
    environment,
    granted,
    instance: 'fresh',
    outputBytes: 1e6,
    timeoutMs: 60_000,
    input,
  } as const;
  const { result } = await runner.call(call, { onStart: () => undefined });
  if (!result.ok) throw new Error(result.message);
  running -= 1;
  done += 1;
  if (done === Number(BENCH_EVENTS)) {
    console.log(JSON.stringify({ msg: 'done', seconds: (performance.now() - began) / 1_000 }));
  }
  next();
}
function next(): void {
  const input = running < Number(BENCH_CONCURRENCY) ? waiting.shift() : undefined;
  if (input) void run(input);
}

const client = connect(BENCH_BROKER, { clientId: 'undurable', clean: false });
client.on('message', (_, payload) => {
  if (began === 0) began = performance.now();
  waiting.push(payload);
  next();
});
client.subscribe(BENCH_TOPIC, { qos: 1 }, () => console.log(JSON.stringify({ msg: 'subscribed' })));
process.on('SIGTERM', () => {
  client.end(true, () => void runner.close());
});
