/** Runs the command line in this process, in a directory of its own, against a scripted API. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { runProgram } from '@skerry/cli/program.ts';
import type { Terminal } from '@skerry/cli/terminal/terminal.ts';
import { onTestFinished } from 'vitest';
import { type FakeAnswer, type FakeApi, startFakeApi } from './fake-api.ts';

type CliRun = { code: number; out: string; err: string };

export type CliBench = {
  readonly directory: string;
  readonly api: FakeApi;
  run(argv: string[], options?: { env?: Terminal['env']; input?: string }): Promise<CliRun>;
  close(): Promise<void>;
};

/**
 * Opens a bench that is closed at the end of the test. Its commands find the API by SKERRY_SERVER and send the token
 * `sk_test`, unless a run has other settings.
 */
export async function openCliBench(answers: Readonly<Record<string, FakeAnswer>> = {}): Promise<CliBench> {
  const bench = await createCliBench(answers);
  onTestFinished(() => bench.close());
  return bench;
}

async function createCliBench(answers: Readonly<Record<string, FakeAnswer>>): Promise<CliBench> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-cli-'));
  const api = await startFakeApi(answers);
  return {
    directory,
    api,
    async run(argv, { env = {}, input = '' } = {}) {
      const result: CliRun = { code: -1, out: '', err: '' };
      result.code = await runProgram(argv, {
        env: { SKERRY_SERVER: api.url, SKERRY_TOKEN: 'sk_test', ...env },
        cwd: directory,
        home: directory,
        stdin: Readable.from([input]),
        out: (text) => {
          result.out += text;
        },
        err: (text) => {
          result.err += text;
        },
        onSignal: () => () => undefined,
      });
      return result;
    },
    async close() {
      await api.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
