/** A control plane's API as a test scripts it, over real HTTP. It records every request. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

type SeenRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
};

export type FakeAnswer = {
  readonly status?: number;
  /** Sent as JSON; undefined sends no body. */
  readonly json?: unknown;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

export type FakeApi = { readonly url: string; readonly seen: SeenRequest[]; close(): Promise<void> };

/** @param answers by method and path, such as `GET /v1/fn`; other requests get 404 */
export async function startFakeApi(answers: Readonly<Record<string, FakeAnswer>>): Promise<FakeApi> {
  const seen: SeenRequest[] = [];
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request;
    seen.push({ method, path: url, headers, body: await buffer(request) });
    const answer = answers[`${method} ${url}`] ?? {
      status: 404,
      json: { errors: { detail: 'Not Found', code: 'not_found', message: 'There is no "nope"' } },
    };
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
    response.end(answer.text ?? (answer.json === undefined ? '' : JSON.stringify(answer.json)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The fields of a multipart request as a browser would read them. */
export async function readForm({ headers, body }: SeenRequest): Promise<FormData> {
  return new Response(new Uint8Array(body), {
    headers: { 'content-type': String(headers['content-type']) },
  }).formData();
}
