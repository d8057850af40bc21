/** An HTTP function: a request in, an answer out. @type {import('./skerry.d.ts').HttpFunction} */
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname !== '/') return new Response('there is only /\n', { status: 404 });
    const body = await request.text();
    const name = body === '' ? 'World' : (JSON.parse(body).name ?? 'World');
    return Response.json({ greeting: `Hello, ${name}!` });
  },
};
