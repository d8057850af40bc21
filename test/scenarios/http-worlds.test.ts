/** HTTP functions called with JSON, and commands at the raw endpoint. */
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectGreeted } from '../harness/tunnel/raw-agent.ts';
import { answerTo, answerWhole, endAnswer, outcomeFacts, startWeb, type Web } from '../harness/tunnel/web.ts';

let web: Web;
beforeEach(async () => {
  web = await startWeb();
});
afterEach(() => web.close());

describe('the two endpoints and the worlds', () => {
  const post = (args: unknown) => {
    const sent = web.open('/v1/fn/_/web', { method: 'POST', headers: { 'content-type': 'application/json' } });
    sent.end(JSON.stringify({ args }));
    return answerTo(sent);
  };

  test.each<[string, number, string, number, object]>([
    ['JSON', 200, '{"a":1}', 200, { data: { a: 1 } }],
    ['nothing', 204, '', 200, { data: null }],
    ['a status of 400 or above', 404, 'no such thing', 422, { errors: { detail: 'Error: no such thing' } }],
    ['text', 200, 'hello', 500, { errors: { code: 'function_output_invalid' } }],
  ])('an HTTP function called with JSON that answers %s', async (_, status, body, expected, json) => {
    for (const inParts of [false, true]) {
      const agent = await web.agent();
      const answering = post({ n: 1 });
      const { id, http, input } = await agent.next('invoke');
      expect(http).toMatchObject({
        method: 'POST',
        path: '/',
        headers: expect.arrayContaining([['accept', 'application/json']]),
      });
      expect(Buffer.from(input).toString()).toBe('{"n":1}');
      if (inParts) {
        agent.send({ kind: 'accepted', id });
        agent.send({ kind: 'head', id, status, headers: [] });
        agent.send({ kind: 'body', id, bytes: Buffer.from(body), last: true });
        endAnswer(agent, id);
      } else answerWhole(agent, id, status, [], body);
      const answer = await answering;
      expect(answer.statusCode).toBe(expected);
      expect(JSON.parse((await buffer(answer)).toString())).toMatchObject(json);
      agent.close();
      await agent.closed;
    }
  });

  test('an answer over limits.output_bytes ends a JSON call', async () => {
    const agent = await web.agent({ limits: { output_bytes: 10 } });
    const answering = post({});
    const { id } = await agent.next('invoke');
    agent.send({ kind: 'head', id, status: 200, headers: [] });
    agent.send({ kind: 'body', id, bytes: Buffer.alloc(11, '1'), last: false });
    const answer = await answering;
    expect(JSON.parse((await buffer(answer)).toString())).toMatchObject({
      errors: { code: 'function_output_too_large' },
    });
    expect(await agent.next('cancel')).toMatchObject({ id });
  });

  test('a command gets the head beside its whole input', async () => {
    web.hub.deploy('job', Buffer.from('j'), {}, 'wasi:cli/run');
    const agent = await connectGreeted(web.hub.url);
    const sent = web.open('/function/job/x?y', { method: 'PUT' });
    sent.end('in');
    const { id, http, input, streams } = await agent.next('invoke');
    expect(http).toMatchObject({ method: 'PUT', path: '/x?y' });
    expect(Buffer.from(input).toString()).toBe('in');
    expect(streams).toBeUndefined();
    agent.send({ kind: 'outcome', id, result: { ok: true, output: Buffer.from('out') }, ...outcomeFacts });
    expect((await buffer(await answerTo(sent))).toString()).toBe('out');
  });
});
