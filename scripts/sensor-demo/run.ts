/**
 * Runs the example from end to end: starts everything, then prints events line by line, until the first alerts have
 * arrived (`once`) or a signal comes.
 *
 * Invariant: no process outlives the run. The first signal ends the processes in order, a second one at once.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { type Tally, watch } from './arrivals.ts';
import { bringUp } from './bring-up.ts';
import { thingsToTry } from './guide.ts';
import { listenToKeys } from './keys.ts';
import { createSay } from './say.ts';
import { startChildren } from './services/children.ts';
import { findMosquitto, listMosquittoFolders } from './services/mosquitto.ts';

export type RunOptions = {
  readonly data: string;
  /** End when the first two alerts have arrived: one for a high value, and one for a normal value after it. */
  readonly once: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly keys: Readable;
  print(text: string): void;
  /** Calls the listener at each signal that asks to stop. */
  onSignal(listener: () => void): void;
};

const alertsOfOnce = 2;
const onceTimeoutMs = 60_000;

/** @throws Error, with a message for a person, when a process is not ready in time, or ends by itself */
export async function runSensorDemo({ data, once, env, keys, print, onSignal }: RunOptions): Promise<void> {
  const mosquitto = findMosquitto(listMosquittoFolders(env.PATH ?? ''));
  const logs = join(data, 'logs');
  rmSync(logs, { recursive: true, force: true });
  mkdirSync(logs, { recursive: true });
  const children = startChildren(logs);
  const interruption = new AbortController();
  const { signal } = interruption;
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  onSignal(() => {
    if (signal.aborted) void children.endAll('at once');
    interruption.abort();
  });
  const tally: Tally = { sent: 0, stored: 0, alerts: 0 };

  const show = async () => {
    const couchUrl = env.COUCHDB_URL || undefined;
    const needs = { mosquitto, data, couchUrl, env: withoutSettings(env), signal, print };
    const { platform, arrivals, startSensor } = await bringUp(children, needs);
    if (!once) print(thingsToTry(platform.server, data));
    print('\n');
    const say = createSay(print, () => new Date());
    await startSensor((line) => {
      if (/^message \d+:/.test(line)) tally.sent += 1;
      say('sensor', line);
    });
    const stopListening = once ? () => {} : listenToKeys(keys, platform, say);
    const watched = watch({ arrivals, platform, tally, say, signal }, () => once && tally.alerts >= alertsOfOnce);
    await Promise.race([watched, ...(once ? [tooLate(signal)] : [])]).finally(stopListening);
  };

  try {
    await Promise.race([show(), children.lost, aborted]);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    interruption.abort();
    await children.endAll('gently');
  }
  if (tally.sent === 0) return print('\n');
  print(`\n${tally.sent} messages sent, ${tally.stored} reports in CouchDB, ${tally.alerts} of them alerts.\n`);
}

async function tooLate(signal: AbortSignal): Promise<never> {
  await delay(onceTimeoutMs, undefined, { signal });
  throw new Error(`waited ${onceTimeoutMs / 1_000} s for alerts to arrive in CouchDB`);
}

/** A platform for trying things out must not write into a database that is in use. */
function withoutSettings(env: RunOptions['env']): Record<string, string> {
  const settings = /^(PORT$|COUCHDB_URL$|SKERRY_|DATABASE_|NEON_)/;
  const entries = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries.filter(([name]) => !settings.test(name)));
}
