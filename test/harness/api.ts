/** The REST API as tests call it. */
export type Answer = { readonly status: number; readonly headers: Headers; readonly body: unknown };

export type Api = {
  readonly url: URL;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Creates (POST) or updates (PUT) a function with a component. */
  upload(
    method: 'POST' | 'PUT',
    path: string,
    name: string,
    component: Uint8Array,
    fields?: Record<string, unknown>,
  ): Promise<Answer>;
  /** Polls a GET until its answer fits; for states without an event that tests could wait for. */
  until(path: string, fits: (body: never) => boolean, timeoutMs?: number): Promise<Answer>;
};

export function createApi(url: URL, token: string): Api {
  const send = async (method: string, path: string, init: RequestInit): Promise<Answer> => {
    const headers = new Headers({ authorization: `Bearer ${token}` });
    for (const [name, value] of new Headers(init.headers)) headers.set(name, value);
    const response = await fetch(new URL(path, url), { ...init, method, headers });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parse(text) };
  };
  const api: Api = {
    url,
    call: (method, path, body, headers = {}) =>
      send(method, path, {
        ...(body !== undefined && { body: JSON.stringify(body) }),
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      }),
    upload(method, path, name, component, fields = {}) {
      const form = new FormData();
      form.set('name', name);
      form.set('code', new Blob([Uint8Array.from(component)]), `${name}.wasm`);
      for (const [field, value] of Object.entries(fields)) {
        form.set(field, typeof value === 'string' ? value : JSON.stringify(value));
      }
      return send(method, path, { body: form });
    },
    async until(path, fits, timeoutMs = 10_000) {
      const end = performance.now() + timeoutMs;
      for (;;) {
        const answer = await api.call('GET', path);
        if (answer.status === 200 && fits(answer.body as never)) return answer;
        if (performance.now() > end) {
          throw new Error(`GET ${path} did not get there in ${timeoutMs} ms: ${JSON.stringify(answer.body)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
  return api;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
