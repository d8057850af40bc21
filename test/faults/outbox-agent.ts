/**
 * An agent as a process whose intake a test feeds over HTTP in place of a broker. `POST /events?from=&count=` records
 * events with the numbers as their input, and answers with a line for each as soon as it is on disk. `GET /state`
 * returns the state of the outbox, `GET /metrics` the agent's counters. `named=` records the events under names with
 * that prefix, `bytes=` makes them longer, `input=` is the input of all.
 */
import { randomUUIDv7 } from 'node:crypto';
import { createServer } from 'node:http';
import { readConfig } from '@skerry/edge-agent/config.ts';
import { createAgent } from '@skerry/edge-agent/context.ts';
import { deriveEventId } from '@skerry/shared/events/intake.ts';
import { pino } from 'pino';

const config = readConfig(process.env);
const log = pino({ level: config.logLevel, base: null });
const agent = createAgent(config, log);

const server = createServer(async (request, response) => {
  const { searchParams: asked, pathname } = new URL(request.url ?? '', 'http://agent');
  if (pathname === '/state') return void response.end(JSON.stringify(agent.outbox.state() ?? null));
  if (pathname === '/metrics') return void response.end(await agent.metrics.text());
  const from = Number(asked.get('from'));
  const count = Number(asked.get('count'));
  const named = asked.get('named');
  const trigger = asked.get('trigger') ?? 'trigger';
  const room = {
    maxPending: Number(asked.get('max') ?? 1_000_000),
    whenFull: asked.get('full') === 'drop_oldest' ? 'drop_oldest' : 'hold',
  } as const;
  const record = async (n: number) => {
    const event = {
      id: named === null ? randomUUIDv7() : deriveEventId({ trigger }, `${named}-${n}`),
      named: named !== null,
      trigger,
      function: 'id-hello',
      origin: 'mqtt',
      input: Buffer.from(JSON.stringify(asked.get('input') ?? { n, filler: 'x'.repeat(Number(asked.get('bytes'))) })),
      createdAt: Date.now(),
    } as const;
    const kept = await agent.intake.record(event, room).catch((error: Error) => error.message);
    response.write(`${n} ${kept}\n`);
  };
  await Promise.all(Array.from({ length: count }, (_, index) => record(from + index)));
  response.end();
});
server.listen(0, '127.0.0.1', () => log.info({ address: server.address() }, 'intake'));
agent.start();
process.once('SIGTERM', async () => {
  await agent.stop();
  process.exit(0);
});
