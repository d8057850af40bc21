/** An HTTP function as Service Workers have it: listen for `fetch`, answer with a Response. */
addEventListener('fetch', (event) => event.respondWith(answer(event.request)));

/** @param {Request} request its path is what follows the function's name */
async function answer(request) {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === '/') return Response.json({ greeting: `Hello, ${searchParams.get('name') ?? 'World'}!` });
  if (pathname === '/echo') {
    const type = request.headers.get('content-type') ?? 'application/octet-stream';
    // Streamed: the body is never in memory as a whole.
    return new Response(request.body, { headers: { 'content-type': type } });
  }
  return new Response('there are / and /echo\n', { status: 404 });
}
