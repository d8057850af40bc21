/** Makes load from outside: wrk, one thread, for a limited time, against our own process on loopback. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type LoadTarget = { readonly url: URL; readonly token?: string; readonly body: string };

export type LoadResult = {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Answers other than 2xx, and socket errors. The figures are worthless unless it is 0. */
  readonly failed: number;
};

/** @throws Error when wrk is missing, or without any answer, which wrk does not count as a failure */
export async function load(target: LoadTarget, connections: number, seconds: number): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-bench-'));
  const script = join(folder, 'post.lua');
  writeFileSync(script, luaFor(target), { mode: 0o600 });
  try {
    const { stdout } = await run('wrk', [
      '--threads=1',
      `--connections=${connections}`,
      `--duration=${seconds}s`,
      '--latency',
      `--script=${script}`,
      target.url.href,
    ]);
    const result = parse(stdout);
    if (!(result.perSecond > 0)) throw new Error(`${target.url} answered nothing in ${seconds} s`);
    return result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error('the load generator "wrk" is missing: install the Debian package wrk', { cause: error });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function luaFor({ token, body }: LoadTarget): string {
  const authorization = token ? `wrk.headers["Authorization"] = ${JSON.stringify(`Bearer ${token}`)}\n` : '';
  return `wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n${authorization}wrk.body = [==[${body}]==]\n`;
}

function parse(text: string): LoadResult {
  const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0);
  const milliseconds = (label: string) => {
    const match = new RegExp(`${label}%\\s+([\\d.]+)(us|ms|s)`).exec(text);
    const factor = { us: 0.001, ms: 1, s: 1_000 }[match?.[2] as 'us' | 'ms' | 's'] ?? Number.NaN;
    return Number(match?.[1]) * factor;
  };
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const broken = (socketErrors?.slice(1) ?? []).reduce((sum, count) => sum + Number(count), 0);
  return {
    perSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50: milliseconds('50'),
    p99: milliseconds('99'),
    failed: number(/Non-2xx or 3xx responses: (\d+)/) + broken,
  };
}
