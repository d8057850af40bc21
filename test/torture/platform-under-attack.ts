/**
 * The platform that is tortured, as real processes: Postgres, a control plane, a broker with a witness between it and
 * the agent, an agent behind a faulty wire, and a stand-in for CouchDB; one function on the device, from a topic to a
 * sink.
 */
import { join } from 'node:path';
import { type CouchDb, startCouchDb } from '../harness/couchdb/couchdb.ts';
import { handlerComponent } from '../harness/fixtures.ts';
import { type Mosquitto, startMosquitto } from '../harness/mqtt/mosquitto.ts';
import { agentMain, type Platform, startPlatform } from '../harness/platform.ts';
import { startPostgres, type TestPostgres } from '../harness/postgres.ts';
import { findChildren, startProcess, type Watched } from '../harness/process.ts';
import { type FaultyWire, startFaultyWire } from '../harness/tunnel/faulty-wire.ts';
import { startWitness, type Witness } from './witness.ts';

export type Site = {
  readonly platform: Platform;
  readonly postgres: TestPostgres;
  readonly broker: Mosquitto;
  /** Reads the packets between the broker and the agent. */
  readonly witness: Witness;
  readonly couch: CouchDb;
  readonly wire: FaultyWire;
  /** The agent's process that runs now, or the last one. */
  readonly agent: Watched;
  /** Pids of the agent's runners. */
  runners(): number[];
  /** Starts the agent again on its data, without waiting. */
  startAgent(): void;
  stop(): Promise<void>;
};

type Triggers = { readonly data: readonly { readonly places: readonly { readonly state: string }[] }[] };

export const topic = 'torture/events';
export const database = 'torture';
const name = 'box';

export async function startSite(): Promise<Site> {
  const started = new AsyncDisposableStack();
  return start(started).catch(async (error: unknown) => {
    await started.disposeAsync();
    throw error;
  });
}

/** @param started gets everything that must be ended; the last one is ended first */
async function start(started: AsyncDisposableStack): Promise<Site> {
  const postgres = await startPostgres();
  started.defer(() => postgres.close());
  const broker = await startMosquitto();
  started.defer(() => broker.close());
  const witness = await startWitness(broker.port);
  started.defer(() => witness.close());
  const couch = await startCouchDb();
  started.defer(() => couch.stop());
  const platform = await startPlatform({ DATABASE_URL: postgres.url, SKERRY_LEASE_MS: '1000' });
  started.defer(() => platform.stop());
  const wire = await startFaultyWire(platform.controlPlane.url);
  started.defer(() => wire.close());
  const deployed = await platform.api.upload('POST', '/v1/fn/_', 'echo', handlerComponent(), {
    events: [
      {
        type: 'mqtt',
        params: { host: '127.0.0.1', port: witness.port, topic, placement: 'edge', message_id: 'n', concurrency: 4 },
      },
    ],
    sinks: [{ type: 'couchdb', params: { url: couch.url, database, create: true } }],
  });
  if (deployed.status !== 201) throw new Error(`the function was not deployed: ${JSON.stringify(deployed.body)}`);

  const env = {
    SKERRY_SERVER: wire.url.href,
    SKERRY_DATA: join(platform.folder, name),
    SKERRY_NAME: name,
    SKERRY_THREADS: '2',
  };
  let agent: Watched = await platform.agent(name, env);
  started.defer(async () => void (await agent.stop()));
  // From here on the broker queues messages while the agent is away; earlier ones had no queue.
  await platform.api.until('/v1/fn/_/echo/triggers', ({ data: [trigger] }: Triggers) =>
    Boolean(trigger?.places.some(({ state }) => state === 'up')),
  );
  return {
    platform,
    postgres,
    broker,
    witness,
    couch,
    wire,
    get agent() {
      return agent;
    },
    runners: () => findChildren(agent.pid),
    startAgent() {
      agent = startProcess(agentMain, env);
    },
    stop: () => started.disposeAsync(),
  };
}
