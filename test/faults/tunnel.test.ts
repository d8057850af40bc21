/** Effects of a hostile, broken or unlucky agent on the control plane's end of the tunnel. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { closeKinds } from '@skerry/shared/tunnel/close.ts';
import { agentCodec } from '@skerry/shared/tunnel/codec.ts';
import { maxFrameBytes, protocolVersion } from '@skerry/shared/tunnel/protocol.ts';
import { pack } from 'msgpackr/pack';
import { afterEach, describe, expect, test } from 'vitest';
import { startHub, type TestHub, type TestHubOptions } from '../harness/tunnel/hub.ts';
import { connectGreeted, connectRaw, newKey } from '../harness/tunnel/raw-agent.ts';

let running: TestHub | undefined;

async function start(options?: TestHubOptions): Promise<TestHub> {
  running = await startHub(options);
  return running;
}

afterEach(async () => {
  await running?.close();
  running = undefined;
});

describe('handshake', () => {
  test('a valid agent gets its welcome and its desired state', async () => {
    const { url, hub, deploy } = await start();
    const fn = deploy('hello', Buffer.from('bundle'));
    const agent = await connectRaw(url);
    await agent.hello({ name: 'box', labels: { site: 'north' } });
    const welcome = await agent.next('welcome');
    expect(welcome).toMatchObject({ epoch: 1, version: protocolVersion });
    const desired = await agent.next('desired');
    expect(desired.functions.map((one) => one.id)).toEqual([fn.id]);
    expect(hub.state(welcome.agentId)).toMatchObject({ online: true, desired: 2, applied: 0, version: 'test' });
  });

  test('a client that connects and sends nothing is cut at the deadline', async () => {
    const { url } = await start({ handshakeTimeoutMs: 100 });
    const agent = await connectRaw(url);
    expect((await agent.closed).code).toBe(closeKinds.handshake_timeout.code);
  });

  test.each([
    ['a signature over another nonce', { signature: new Uint8Array(64) }, closeKinds.bad_signature.code],
    ['an invalid key', { publicKey: new Uint8Array(5) }, closeKinds.bad_signature.code],
    ['a signature made for another host', { host: 'other.example:443' }, closeKinds.bad_signature.code],
    ['a version older than the last but one', { version: 1 }, closeKinds.version_unsupported.code],
    ['an unknown version', { version: 99 }, closeKinds.version_unsupported.code],
  ])('%s is refused', async (_, changes, code) => {
    const { url, hub } = await start();
    const agent = await connectRaw(url);
    await agent.hello(changes);
    expect((await agent.closed).code).toBe(code);
    expect(hub.online).toBe(0);
  });

  test('an agent that may not join gets the reason', async () => {
    const { url } = await start({
      admit: () => ({ ok: false, close: 'join_refused', message: 'the token is used up' }),
    });
    const agent = await connectRaw(url);
    await agent.hello();
    expect(await agent.closed).toEqual({ code: closeKinds.join_refused.code, reason: 'the token is used up' });
  });

  test.each([
    ['garbage', Buffer.from([0xc1, 0xff, 0x00])],
    ['another frame than hello', Buffer.from(agentCodec.encode({ kind: 'want', digest: 'a'.repeat(64), offset: 0 }))],
    ['a hello without its fields', Buffer.from(pack({ kind: 'hello' }))],
  ])('%s as the first message is a bad frame', async (_, bytes) => {
    const { url } = await start();
    const agent = await connectRaw(url);
    agent.sendBytes(bytes);
    expect((await agent.closed).code).toBe(closeKinds.bad_frame.code);
  });

  test('an upgrade that is no WebSocket does not occupy a handshake', async () => {
    const { url } = await start();
    const socket = connect(Number(url.port), '127.0.0.1');
    socket.write('GET /v1/tunnel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400/);
    socket.destroy();
    const agent = await connectGreeted(url);
    expect(agent.socket.readyState).toBe(agent.socket.OPEN);
  });

  test('with a list of hosts, agents may sign for no other', async () => {
    const { url } = await start({ tunnelHosts: ['skerry.example'] });
    const relayed = await connectRaw(url);
    await relayed.hello();
    expect((await relayed.closed).code).toBe(closeKinds.bad_signature.code);
    const direct = await connectRaw(url);
    await direct.hello({}, 'skerry.example');
    expect((await direct.next('welcome')).epoch).toBe(1);
  });

  test('a peer that is not admitted cannot send much', async () => {
    const { url, hub } = await start();
    const agent = await connectRaw(url);
    agent.sendBytes(Buffer.alloc(1024 * 1024));
    expect((await agent.closed).code).toBe(1006);
    expect(hub.online).toBe(0);
  });

  test('another path is not the tunnel, and its connection is closed, even when the other side keeps it open', async () => {
    const { url, server } = await start();
    const socket = connect({ port: Number(url.port), host: '127.0.0.1', allowHalfOpen: true });
    socket.write('GET /v1/other HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 404/);
    const open = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
    await expect.poll(open).toBe(0);
    socket.destroy();
  });
});

describe('an established tunnel', () => {
  test('a frame that does not parse closes the tunnel, and no other', async () => {
    const { url, hub } = await start();
    const good = await connectGreeted(url);
    const bad = await connectGreeted(url);
    bad.sendBytes(Buffer.from([0xc1]));
    expect((await bad.closed).code).toBe(closeKinds.bad_frame.code);
    expect(hub.online).toBe(1);
    good.send({ kind: 'ping', n: 7 });
    expect(await good.next('pong')).toEqual({ kind: 'pong', n: 7 });
  });

  test('an oversize frame closes it', async () => {
    const { url } = await start();
    const agent = await connectGreeted(url);
    agent.sendBytes(Buffer.alloc(maxFrameBytes + 1));
    expect((await agent.closed).code).toBe(closeKinds.frame_too_large.code);
  });

  test('a frame of an unknown kind is skipped', async () => {
    const { url } = await start();
    const agent = await connectGreeted(url);
    agent.sendBytes(Buffer.concat([pack({ kind: 'hologram' }), agentCodec.encode({ kind: 'ping', n: 1 })]));
    expect(await agent.next('pong')).toEqual({ kind: 'pong', n: 1 });
  });

  test('a peer that goes silent is terminated, and its calls fail at once', async () => {
    const { url, hub, deploy, invoker } = await start({ pingIntervalMs: 30 });
    const fn = deploy('f', Buffer.from('b'));
    const agent = await connectGreeted(url);
    const call = invoker.invoke({ function: fn, input: new Uint8Array() });
    const { id } = await agent.next('invoke');
    agent.send({ kind: 'accepted', id });
    agent.socket.pause();
    await expect(call).rejects.toMatchObject({ code: 'agent_lost' });
    expect(hub.online).toBe(0);
    agent.close();
  });

  test('two agents with one key: the newest wins, the other gets the reason', async () => {
    const { url, hub } = await start();
    const key = newKey();
    const first = await connectGreeted(url, { name: 'one' }, key);
    const second = await connectGreeted(url, { name: 'two' }, key);
    expect((await first.closed).code).toBe(closeKinds.superseded.code);
    second.send({ kind: 'ping', n: 1 });
    await second.next('pong');
    expect(hub.online).toBe(1);
  });

  test('a replaced tunnel that was slow to be admitted does not replace its successor', async () => {
    const gate = Promise.withResolvers<void>();
    let epoch = 0;
    const { url, hub } = await start({
      async admit(hello) {
        epoch += 1;
        const mine = epoch;
        if (mine === 1) await gate.promise;
        return { ok: true, agentId: 'same', name: hello.name, labels: {}, epoch: mine };
      },
    });
    const slow = await connectRaw(url);
    await slow.hello();
    const fast = await connectGreeted(url);
    gate.resolve();
    expect((await slow.closed).code).toBe(closeKinds.superseded.code);
    fast.send({ kind: 'ping', n: 1 });
    await fast.next('pong');
    expect(hub.online).toBe(1);
  });

  test('an agent whose right was revoked is closed', async () => {
    const { url, hub } = await start();
    const agent = await connectRaw(url);
    await agent.hello();
    const { agentId } = await agent.next('welcome');
    hub.revoke(agentId);
    expect((await agent.closed).code).toBe(closeKinds.revoked.code);
  });

  test('drain tells the agents when to reconnect, then closes', async () => {
    const { url, hub } = await start();
    const agent = await connectGreeted(url);
    await hub.close();
    expect((await agent.next('drain')).retryAfterMs).toBeGreaterThan(0);
    expect((await agent.closed).code).toBe(closeKinds.going_away.code);
  });
});

describe('code push', () => {
  test('a bundle comes in chunks, from the requested offset', async () => {
    const { url, deploy } = await start();
    const bundle = Buffer.alloc(300_000, 'x');
    const fn = deploy('big', bundle);
    const agent = await connectGreeted(url);
    agent.send({ kind: 'want', digest: fn.bundle, offset: 100_000 });
    let at = 100_000;
    while (at < bundle.byteLength) {
      const chunk = await agent.next('chunk');
      expect(chunk).toMatchObject({ digest: fn.bundle, offset: at, total: bundle.byteLength });
      at += chunk.bytes.byteLength;
    }
    expect(at).toBe(bundle.byteLength);
  });

  test('an agent gets no code of functions that it must not hold', async () => {
    const { url, deploy } = await start();
    const secret = deploy('secret', Buffer.from('secret'), { placement: { labels: { vault: 'yes' } } });
    const agent = await connectGreeted(url, { labels: { vault: 'no' } });
    expect((await agent.next('desired')).functions).toEqual([]);
    agent.send({ kind: 'want', digest: secret.bundle, offset: 0 });
    expect((await agent.next('unavailable')).digest).toBe(secret.bundle);
  });

  test('an offset beyond the end is refused', async () => {
    const { url, deploy } = await start();
    const fn = deploy('f', Buffer.from('b'));
    const agent = await connectGreeted(url);
    agent.send({ kind: 'want', digest: fn.bundle, offset: 99 });
    expect((await agent.next('unavailable')).message).toContain('1 bytes');
  });

  test('a change reaches the agents that it concerns, and no others', async () => {
    const { url, hub, deploy, catalog } = await start();
    const north = await connectGreeted(url, { name: 'north', labels: { site: 'north' } });
    const south = await connectGreeted(url, { name: 'south', labels: { site: 'south' } });
    await Promise.all([north.next('desired'), south.next('desired')]);
    const fn = deploy('f', Buffer.from('b'), { placement: { labels: { site: 'north' } } });
    const rollout = hub.rollout(fn.id, catalog.version, 5_000);
    const { generation } = await north.next('desired');
    expect(generation).toBe(catalog.version);
    north.send({ kind: 'applied', generation, errors: [] });
    expect(await rollout).toEqual({ agents: 1, applied: 1, failed: [] });
    south.send({ kind: 'ping', n: 1 });
    await south.next('pong');
    expect(hub.functionAgents(fn)).toMatchObject([{ name: 'north', holds: true }]);
  });

  test('a list of any length reaches the agent, in parts', async () => {
    const { url, deploy } = await start();
    const env = { PAD: 'x'.repeat(32_000) };
    for (let n = 0; n < 200; n++) deploy(`f${n}`, Buffer.from('b'), { env });
    const agent = await connectGreeted(url);
    const names = new Set<string>();
    for (let part = 0; ; part++) {
      const frame = await agent.next('desired');
      expect(frame.part).toBe(part);
      for (const fn of frame.functions) names.add(fn.name);
      if (frame.last) break;
    }
    expect(names.size).toBe(200);
  });

  test('a change that could not be read again counts as applied nowhere', async () => {
    const { url, hub, deploy, catalog } = await start();
    const agent = await connectGreeted(url);
    const fn = deploy('f', Buffer.from('b'));
    agent.send({ kind: 'applied', generation: catalog.version, errors: [] });
    agent.send({ kind: 'ping', n: 1 });
    await agent.next('pong');
    expect(await hub.rollout(fn.id, catalog.version, 1_000)).toMatchObject({ agents: 1, applied: 1 });
    expect(await hub.rollout(fn.id, catalog.version + 1, 1_000)).toEqual({ agents: 1, applied: 0, failed: [] });
  });

  test('a rollout names the agents that could not apply it, and does not wait without an end', async () => {
    const { url, hub, deploy, catalog } = await start();
    const broken = await connectGreeted(url, { name: 'broken' });
    const slow = await connectGreeted(url, { name: 'slow' });
    await Promise.all([broken.next('desired'), slow.next('desired')]);
    const fn = deploy('f', Buffer.from('b'));
    const { generation } = await broken.next('desired');
    const error = { function: fn.id, code: 'function_load_failed', message: 'no' } as const;
    broken.send({ kind: 'applied', generation, errors: [error] });
    const rollout = await hub.rollout(fn.id, catalog.version, 200);
    expect(rollout).toEqual({
      agents: 2,
      applied: 0,
      failed: [{ agent: 'broken', code: 'function_load_failed', message: 'no' }],
    });
    slow.close();
  });
});
