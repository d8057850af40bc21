/**
 * Harness for the tests of the runner: real components, prepared once, and runners with real processes that are closed
 * after each test.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { type Bundle, computeDigest, decodeBundle, encodeBundle } from '@skerry/shared/function/bundle.ts';
import { grantsSchema } from '@skerry/shared/function/manifest.ts';
import { pino } from 'pino';
import { afterEach, beforeAll } from 'vitest';
import { type FixtureName, prepareFixture } from '../../../test/fixtures/bundles.ts';
import type { Call, CallEvents, CallOutcome, Runner } from '../calls/call.ts';
import type { CapabilityHandler } from '../calls/call-capabilities.ts';
import type { GuestEnvironment } from '../protocol/wire.ts';
import { createRunner, type RunnerOptions } from '../runner.ts';

const bundles = new Map<string, Uint8Array>();
export const digests = {} as Record<FixtureName | 'glued' | 'small' | 'hostile' | 'broken', string>;

const hold = (bytes: Uint8Array): string => {
  const digest = computeDigest(bytes);
  bundles.set(digest, bytes);
  return digest;
};

/** A test glue that is not jco's: it shows the rights of the process itself, without the limits of WebAssembly. */
const hostileGlue = `export function instantiate(getCoreModule, imports) {
  const node = (name) => process.getBuiltinModule(name);
  const code = (error) => error.code ?? String(error);
  const attempt = (run) => { try { return String(run()); } catch (error) { return code(error); } };
  const settled = (run) => new Promise((resolve) => {
    try { run().on('error', (error) => resolve(code(error))).on('connect', () => resolve('connected')); }
    catch (error) { resolve(code(error)); }
  });
  return { invoke(input) {
    if (input === 'read') return attempt(() => node('node:fs').readFileSync('/etc/hostname'));
    if (input === 'write') return attempt(() => node('node:fs').writeFileSync('/tmp/skerry-escape', ''));
    if (input === 'spawn') return attempt(() => node('node:child_process').spawnSync('true').status);
    if (input === 'connect') return settled(() => node('node:net').connect(9, '127.0.0.1'));
    if (input === 'listen') return settled(() => node('node:net').createServer().listen(0));
    if (input === 'env') return JSON.stringify(process.env);
    if (input === 'imports') return JSON.stringify(Object.keys(imports).sort());
    if (input === 'kill') process.kill(process.pid, 'SIGKILL');
    process.exit(3);
  } };
}`;

/** Grants nothing. */
const refusing: CapabilityHandler = {
  answer: async () => ({ reply: { error: 'access' }, bytes: new Uint8Array(0) }),
  fetch(_granted, _ask, events) {
    events.onError('HTTP-request-denied');
    return { write() {}, end() {}, abort() {}, credit() {} };
  },
};

/** The environment of a function without grants. */
export const environment = (given: Partial<GuestEnvironment> = {}): string =>
  JSON.stringify({
    function: 'f',
    env: {},
    args: [],
    config: {},
    directories: [],
    logBytesPerSecond: 16_384,
    bodyBytes: 2 ** 32,
    ...given,
  } satisfies GuestEnvironment);

const runners = new Set<Runner>();
export function start(options: Partial<RunnerOptions> = {}): Runner {
  const runner = createRunner({
    readBundle: (digest) => bundles.get(digest),
    capabilities: refusing,
    threads: 2,
    queue: 100,
    idleMs: 600_000,
    memoryBytes: 4 * 1024 ** 3,
    deviceIsShort: () => false,
    onLost: () => {},
    log: pino({ level: 'silent' }),
    ...options,
  });
  runners.add(runner);
  return runner;
}

let calls = 0;
export type CallOptions = Partial<Call> & Partial<CallEvents> & { see?: Partial<GuestEnvironment> };

export function call(
  runner: Runner,
  name: keyof typeof digests,
  input: string,
  { see, onStart = () => {}, onHead, onPart, onCredit, onLog, ...rest }: CallOptions = {},
): Promise<CallOutcome> {
  calls += 1;
  return runner.call(
    {
      id: `call-${calls}`,
      bundle: digests[name],
      environment: environment(see),
      granted: { function: name, grants: grantsSchema.parse(undefined) },
      instance: 'fresh',
      outputBytes: 1_000_000,
      timeoutMs: 15_000,
      input: Buffer.from(input),
      ...rest,
    },
    {
      onStart,
      ...(onHead && { onHead }),
      ...(onPart && { onPart }),
      ...(onCredit && { onCredit }),
      ...(onLog && { onLog }),
    },
  );
}

/** The output as text, or the error's code and message. */
export function text({ result }: CallOutcome): string {
  return result.ok ? Buffer.from(result.output).toString() : `${result.code}: ${result.message}`;
}

/** Resolves when the call was handed over; the result comes later. */
export async function started(runner: Runner, name: keyof typeof digests, input: string, options: CallOptions = {}) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const result = call(runner, name, input, { ...options, onStart: resolve });
  await promise;
  return { result };
}

/** Process ids of the runners that this test process has started. */
export function runnerPids(): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        const [, after = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
        const [state, parent] = after.split(' ');
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return Number(parent) === process.pid && state !== 'Z' && command.includes('runner');
      } catch {
        return false;
      }
    })
    .map(Number);
}

export function killRunner(): void {
  for (const pid of runnerPids()) process.kill(pid, 'SIGKILL');
}

beforeAll(async () => {
  for (const name of ['handler', 'host', 'command', 'run', 'wait'] as const) {
    digests[name] = hold((await prepareFixture(name)).bundle);
  }
  const { direct: _, ...glued } = decodeBundle((await prepareFixture('handler')).bundle);
  digests.glued = hold(encodeBundle(glued));
  digests.small = hold((await prepareFixture('handler', 2 * 1024 * 1024)).bundle);
  digests.broken = hold(Buffer.from('not a bundle'));
  const hostile: Bundle = {
    format: 1,
    world: 'skerry:function/handler',
    exportName: 'invoke',
    mode: 'plain',
    glue: hostileGlue,
    modules: [{ name: 'component.core.wasm', bytes: Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) }],
  };
  digests.hostile = hold(encodeBundle(hostile));
});
afterEach(async () => {
  await Promise.all([...runners].map((runner) => runner.close()));
  runners.clear();
});
