/**
 * The disposable process that prepares one upload: it reads a request from stdin, writes a reply to stdout, both as
 * msgpack, and exits. Each upload gets a new process, so that damage to the tools in it ends with the process.
 */
import { buffer } from 'node:stream/consumers';
import { type ErrorCode, toSkerryError } from '@skerry/shared/errors.ts';
import { pack, unpack } from 'msgpackr';
import { type PrepareOptions, prepare } from './prepare.ts';
import type { Prepared } from './prepared.ts';

export type PrepareRequest = PrepareOptions & { readonly component: Uint8Array };
export type PrepareReply = { ok: true; prepared: Prepared } | { ok: false; code: ErrorCode; message: string };

async function reply(): Promise<PrepareReply> {
  const { component, ...options }: PrepareRequest = unpack(await buffer(process.stdin));
  try {
    return { ok: true, prepared: await prepare(component, options) };
  } catch (error) {
    const { code, message } = toSkerryError(error);
    return { ok: false, code, message };
  }
}

process.stdout.end(pack(await reply()));
