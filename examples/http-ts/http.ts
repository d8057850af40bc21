import type { HttpFunction } from './skerry.d.ts';

/** An HTTP function: a request in, an answer out. */
const hello: HttpFunction = {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname !== '/') return new Response('there is only /\n', { status: 404 });
    const body = await request.text();
    const { name = 'World' }: { name?: string } = body === '' ? {} : JSON.parse(body);
    return Response.json({ greeting: `Hello, ${name}!` });
  },
};

export default hello;
