/** Invocations whose agents refuse, die, or do not answer. */
import { closeKinds } from '@skerry/shared/tunnel/close.ts';
import { pack } from 'msgpackr/pack';
import { afterEach, describe, expect, test } from 'vitest';
import { startHub, type TestHub, type TestHubOptions } from '../harness/tunnel/hub.ts';
import { connectGreeted, type RawAgent } from '../harness/tunnel/raw-agent.ts';

const GiB = 2 ** 30;
const load = { memoryAvailable: GiB, running: 0, revision: 1, durationUs: 5, cold: false } as const;

let running: TestHub | undefined;

async function start(options?: TestHubOptions) {
  running = await startHub(options);
  return { ...running, fn: running.deploy('f', Buffer.from('b'), { limits: { timeout_ms: 5_000 } }) };
}

afterEach(async () => {
  await running?.close();
  running = undefined;
});

async function answer(agent: RawAgent, text: string): Promise<string> {
  const { id } = await agent.next('invoke');
  agent.send({ kind: 'accepted', id });
  agent.send({ kind: 'outcome', id, result: { ok: true, output: Buffer.from(text) }, ...load });
  return id;
}

describe('invocation', () => {
  test('goes to the agent and returns with its facts', async () => {
    const { url, invoker, fn } = await start();
    const agent = await connectGreeted(url, { name: 'box' });
    const call = invoker.invoke({ function: fn, input: Buffer.from('in') });
    const id = await answer(agent, 'out');
    const result = await call;
    expect(result).toMatchObject({ id, agent: 'box', revision: 1, durationUs: 5, cold: false });
    expect(Buffer.from(result.output).toString()).toBe('out');
  });

  test('nobody there', async () => {
    const { invoker, fn } = await start();
    await expect(invoker.invoke({ function: fn, input: new Uint8Array() })).rejects.toMatchObject({ code: 'no_agent' });
  });

  test('no agent has enough memory', async () => {
    const { url, invoker, deploy } = await start();
    await connectGreeted(url, { memoryAvailable: 1_000 });
    const hungry = deploy('hungry', Buffer.from('b'), { capacity_bytes: 2_000 });
    const call = invoker.invoke({ function: hungry, input: new Uint8Array() });
    await expect(call).rejects.toMatchObject({ code: 'no_capacity' });
  });

  test('an agent that refuses before the start: another one is tried', async () => {
    const { url, invoker, fn } = await start();
    const busy = await connectGreeted(url, { name: 'busy', memoryAvailable: 2 * GiB });
    const free = await connectGreeted(url, { name: 'free', memoryAvailable: GiB });
    const call = invoker.invoke({ function: fn, input: new Uint8Array() });
    const { id } = await busy.next('invoke');
    busy.send({ kind: 'outcome', id, result: { ok: false, code: 'agent_busy', message: 'full' }, ...load });
    await answer(free, '1');
    expect((await call).agent).toBe('free');
  });

  test('an agent that dies before the start: another one is tried', async () => {
    const { url, invoker, fn } = await start();
    const dying = await connectGreeted(url, { name: 'dying', memoryAvailable: 2 * GiB });
    const other = await connectGreeted(url, { name: 'other', memoryAvailable: GiB });
    const call = invoker.invoke({ function: fn, input: new Uint8Array() });
    await dying.next('invoke');
    dying.close();
    await answer(other, '1');
    expect((await call).agent).toBe('other');
  });

  test('an agent that dies after the start: the caller gets the error at once, and nothing runs twice', async () => {
    const { url, invoker, fn } = await start();
    const dying = await connectGreeted(url, { name: 'dying', memoryAvailable: 2 * GiB });
    const other = await connectGreeted(url, { name: 'other', memoryAvailable: GiB });
    const call = invoker.invoke({ function: fn, input: new Uint8Array() });
    const { id } = await dying.next('invoke');
    dying.send({ kind: 'accepted', id });
    dying.send({ kind: 'ping', n: 1 });
    await dying.next('pong');
    dying.close();
    await expect(call).rejects.toMatchObject({ code: 'agent_lost', status: 502 });
    other.send({ kind: 'ping', n: 1 });
    await other.next('pong');
    const second = invoker.invoke({ function: fn, input: Buffer.from('second') });
    expect(Buffer.from((await other.next('invoke')).input).toString()).toBe('second');
    running?.remove('f');
    other.close();
    await expect(second).rejects.toMatchObject({ code: expect.stringMatching(/agent|no_/) });
  });

  test('a started call is not tried elsewhere, even when the agent calls its error retryable', async () => {
    const { url, invoker, fn } = await start();
    const liar = await connectGreeted(url, { name: 'liar', memoryAvailable: 2 * GiB });
    const other = await connectGreeted(url, { name: 'other', memoryAvailable: GiB });
    const call = invoker.invoke({ function: fn, input: new Uint8Array() });
    const { id } = await liar.next('invoke');
    liar.send({ kind: 'accepted', id });
    liar.send({ kind: 'outcome', id, result: { ok: false, code: 'agent_busy', message: 'full' }, ...load });
    await expect(call).rejects.toMatchObject({ code: 'agent_busy' });
    liar.close();
    const next = invoker.invoke({ function: fn, input: Buffer.from('next'), agent: 'other' });
    expect(Buffer.from((await other.next('invoke')).input).toString()).toBe('next');
    other.close();
    await expect(next).rejects.toMatchObject({ code: 'agent_unreachable' });
  });

  test('an agent that sends the code of another part of the platform sends a bad frame', async () => {
    const { url, invoker, fn } = await start();
    const liar = await connectGreeted(url);
    const call = invoker.invoke({ function: fn, input: new Uint8Array() });
    const failed = expect(call).rejects.toMatchObject({ code: 'agent_unreachable' });
    const { id } = await liar.next('invoke');
    liar.sendBytes(pack({ kind: 'outcome', id, result: { ok: false, code: 'unauthorized', message: 'ha' }, ...load }));
    expect((await liar.closed).code).toBe(closeKinds.bad_frame.code);
    await failed;
  });

  test('the last refusal is the answer when no agent is left', async () => {
    const { url, invoker, fn } = await start();
    const busy = await connectGreeted(url, { name: 'busy' });
    const call = invoker.invoke({ function: fn, input: new Uint8Array() });
    const { id } = await busy.next('invoke');
    busy.send({ kind: 'outcome', id, result: { ok: false, code: 'agent_busy', message: 'full' }, ...load });
    await expect(call).rejects.toMatchObject({ code: 'agent_busy', message: 'full' });
  });

  test('a draining agent gets no new call', async () => {
    const { url, invoker, fn } = await start();
    const leaving = await connectGreeted(url, { name: 'leaving', memoryAvailable: 2 * GiB });
    const staying = await connectGreeted(url, { name: 'staying', memoryAvailable: GiB });
    leaving.send({ kind: 'drain' });
    leaving.send({ kind: 'ping', n: 1 });
    await leaving.next('pong');
    const call = invoker.invoke({ function: fn, input: new Uint8Array() });
    await answer(staying, '1');
    expect((await call).agent).toBe('staying');
  });

  test('an agent that never answers: the deadline ends the call, and the agent gets a cancel', async () => {
    const { url, invoker, deploy } = await start();
    const quick = deploy('quick', Buffer.from('b'), { limits: { timeout_ms: 50 } });
    const agent = await connectGreeted(url);
    const call = invoker.invoke({ function: quick, input: new Uint8Array() });
    const { id, timeoutMs } = await agent.next('invoke');
    expect(timeoutMs).toBeLessThanOrEqual(50);
    await expect(call).rejects.toMatchObject({ code: 'function_timeout', status: 504 });
    expect((await agent.next('cancel')).id).toBe(id);
  });

  test('a caller that disconnects cancels the call', async () => {
    const { url, invoker, fn } = await start();
    const agent = await connectGreeted(url);
    const caller = new AbortController();
    const call = invoker.invoke({ function: fn, input: new Uint8Array(), signal: caller.signal });
    const { id } = await agent.next('invoke');
    caller.abort();
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
    expect((await agent.next('cancel')).id).toBe(id);
  });

  test('a caller that has already disconnected costs no call', async () => {
    const { url, invoker, fn } = await start();
    const agent = await connectGreeted(url);
    const gone = invoker.invoke({ function: fn, input: Buffer.from('gone'), signal: AbortSignal.abort() });
    await expect(gone).rejects.toMatchObject({ code: 'cancelled' });
    const call = invoker.invoke({ function: fn, input: Buffer.from('here') });
    const invoke = await agent.next('invoke');
    expect(Buffer.from(invoke.input).toString()).toBe('here');
    agent.send({ kind: 'outcome', id: invoke.id, result: { ok: true, output: new Uint8Array() }, ...load });
    await call;
  });

  test('an agent chosen by name is the only one that is tried', async () => {
    const { url, invoker, fn } = await start();
    await connectGreeted(url, { name: 'large', memoryAvailable: 2 * GiB });
    const small = await connectGreeted(url, { name: 'small', memoryAvailable: GiB });
    const call = invoker.invoke({ function: fn, input: new Uint8Array(), agent: 'small' });
    await answer(small, '1');
    expect((await call).agent).toBe('small');
    const nobody = invoker.invoke({ function: fn, input: new Uint8Array(), agent: 'nobody' });
    await expect(nobody).rejects.toMatchObject({ code: 'no_agent', message: expect.stringContaining('nobody') });
  });

  test('scraped metrics decide which agent is chosen', async () => {
    const { url, invoker, fn } = await start({ scrapeIntervalMs: 20 });
    const large = await connectGreeted(url, { name: 'large', memoryAvailable: 2 * GiB });
    const small = await connectGreeted(url, { name: 'small', memoryAvailable: GiB });
    const { id } = await large.next('scrape');
    const text = '# TYPE x gauge\nskerry_agent_memory_available_bytes 2097152\nskerry_agent_invocations_running 3\n';
    large.send({ kind: 'metrics', id, text });
    large.send({ kind: 'ping', n: 1 });
    await large.next('pong');
    const call = invoker.invoke({ function: fn, input: new Uint8Array() });
    await answer(small, '1');
    expect((await call).agent).toBe('small');
  });

  test('an outcome without a pending call is ignored', async () => {
    const { url, hub } = await start();
    const agent = await connectGreeted(url);
    agent.send({ kind: 'outcome', id: 'unknown', result: { ok: true, output: new Uint8Array() }, ...load });
    agent.send({ kind: 'ping', n: 1 });
    await agent.next('pong');
    expect(hub.online).toBe(1);
  });
});
