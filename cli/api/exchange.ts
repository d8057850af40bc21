/**
 * One HTTP exchange: a request, and its whole answer as text. It uses node:http, because Node takes 30 ms to load fetch,
 * a third of the time of a short command. An import of node:http would load fetch, too, so the module is looked up.
 */

export type Request = {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Time limit of the whole answer, in milliseconds. */
  readonly timeoutMs: number;
};

export type HttpReply = {
  readonly status: number;
  readonly text: string;
  /** Finds a header by name in lower case. */
  readonly headers: { get(name: string): string | null };
};

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Rejects with the system's error, at the time limit, and at a redirect, which it does not follow.
 * @throws Error when a header has characters that HTTP does not allow
 */
export function exchange(url: URL, { method, headers, body, timeoutMs }: Request): Promise<HttpReply> {
  const { request } = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http');
  const values = Object.entries(headers).map(([name, value]) => [name, value.trim()]);
  if (body !== undefined) values.push(['content-length', String(Buffer.byteLength(body))]);
  const call = request(url, { method, headers: Object.fromEntries(values) });
  const { promise, resolve, reject } = Promise.withResolvers<HttpReply>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
  call.on('error', reject);
  call.on('response', (response) => {
    const { statusCode: status = 0 } = response;
    if (redirects.has(status)) return reject(new Error('unexpected redirect'));
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      text += chunk;
    });
    response.on('error', reject);
    response.on('end', () => {
      const get = (name: string) => response.headers[name]?.toString() ?? null;
      resolve({ status, text, headers: { get } });
    });
  });
  call.end(body);
  promise.catch(() => call.destroy());
  return promise.finally(() => clearTimeout(timer));
}
