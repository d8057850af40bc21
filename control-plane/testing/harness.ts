/** A control plane with real HTTP on a free port and a real database, for tests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { type ClientRequest, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ErrorCode } from '@skerry/shared/errors.ts';
import { expect } from 'vitest';
import { type Config, readConfig } from '../config/config.ts';
import { type ControlPlane, createControlPlane, type Overrides } from '../context.ts';
import type { DatabaseSettings } from '../db/open.ts';
import { createFakeHub, createFakeInvoker, createFakePreparer, type FakeHub, type FakeInvoker } from './fakes.ts';

export const adminToken = 'test-admin-token-0123456789';

export type Answer = { status: number; headers: Headers; text: string; json: unknown };
export type RequestOptions = {
  json?: unknown;
  /** Sent unchanged. */
  body?: string | Uint8Array | FormData;
  /** `null`: no header at all. Default: the admin's. */
  token?: string | null;
  headers?: Record<string, string>;
  signal?: AbortSignal;
};

export type Harness = {
  url: string;
  port: number;
  config: Config;
  controlPlane: ControlPlane;
  hub: FakeHub;
  invoker: FakeInvoker;
  preparer: ReturnType<typeof createFakePreparer>;
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  close(): Promise<void>;
};

/**
 * @param database absent: PGlite in a directory of its own
 * @param environment additional settings
 */
export async function startHarness(
  database?: DatabaseSettings,
  environment: Record<string, string> = {},
  overrides: Overrides = {},
): Promise<Harness> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'skerry-test-'));
  const read = readConfig({
    PORT: '0',
    SKERRY_DATA: dataDirectory,
    SKERRY_ADMIN_TOKEN: adminToken,
    SKERRY_LOG_LEVEL: 'silent',
    SKERRY_DRAIN_MS: '2000',
    SKERRY_MAX_UPLOAD_BYTES: '100000',
    SKERRY_MAX_BODY_BYTES: '10000',
    ...environment,
  });
  const config = database ? { ...read, database } : read;
  const hub = createFakeHub();
  const invoker = createFakeInvoker();
  const preparer = createFakePreparer();
  const controlPlane = await createControlPlane(config, { hub, invoker, preparer, ...overrides });
  const { port } = await controlPlane.listen();
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    config,
    controlPlane,
    hub,
    invoker,
    preparer,
    async request(method, path, { json, body, token = adminToken, headers = {}, signal } = {}) {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(token !== null && { authorization: `Bearer ${token}` }),
          ...(json !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(json !== undefined ? { body: JSON.stringify(json) } : body !== undefined && { body: body as string }),
        ...(signal && { signal }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, json: jsonOf(text) };
    },
    async close() {
      await controlPlane.close();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A multipart body; `code` becomes a file part. */
export function upload(fields: Record<string, string>, code?: string): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  if (code !== undefined) form.set('code', new File([code], 'function.wasm'));
  return form;
}

/** Creates a function by upload. */
export function create(
  h: Harness,
  name: string,
  code = 'wasm 1',
  fields: Record<string, string> = {},
  module = '_',
): Promise<Answer> {
  return h.request('POST', `/v1/fn/${module}`, { body: upload({ name, ...fields }, code) });
}

/** Matches the body of an error answer. */
export function problem(code: ErrorCode, detail: string): object {
  return { errors: expect.objectContaining({ code, detail }) };
}

/** Sends a body without its length; returns the status of the answer. */
export function streamed(h: Harness, path: string, contentType: string, bytes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${adminToken}`, 'content-type': contentType };
    const request = httpRequest(`${h.url}${path}`, { method: 'POST', headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('error', reject);
    request.flushHeaders();
    request.write(Buffer.alloc(bytes, 'x'), () => request.end());
  });
}

/** Begins an upload of this number of bytes and sends only the first of them; the caller destroys it. */
export function halfUpload(h: Harness, path: string, bytes: number): Promise<ClientRequest> {
  return new Promise((resolve) => {
    const headers = {
      authorization: `Bearer ${adminToken}`,
      'content-type': 'multipart/form-data; boundary=x',
      'content-length': bytes,
    };
    const request = httpRequest(`${h.url}${path}`, { method: 'POST', headers });
    request.on('error', () => {});
    request.write('-', () => resolve(request));
  });
}
