/** Starts everything that the example needs, one after another. The sensor is last. */
import { fileURLToPath } from 'node:url';
import { buildFunction, databaseName, deployFunction } from './function.ts';
import { createStep } from './say.ts';
import type { Children } from './services/children.ts';
import { type Arrivals, givenCouch, startStandIn, watchArrivals } from './services/couchdb.ts';
import { startBroker } from './services/mosquitto.ts';
import { agentName, createPlatform, type Platform } from './services/platform.ts';

/** scripts/sensor has shown one step already. */
const stepsBefore = 1;
const steps = 7;

const sensor = fileURLToPath(new URL('../../examples/sensor/sensor.ts', import.meta.url));
const sensorName = 'boiler';

type BringUpOptions = {
  readonly mosquitto: string;
  readonly data: string;
  /** COUCHDB_URL. Undefined starts the stand-in. */
  readonly couchUrl: string | undefined;
  /** The environment of the processes. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  print(text: string): void;
};

export type Running = {
  readonly platform: Platform;
  /** Reports that arrive in CouchDB. */
  readonly arrivals: Arrivals;
  /** Starts the sensor, and passes its lines on. */
  startSensor(onLine: (line: string) => void): Promise<void>;
};

/** @throws Error with a message for a person */
export async function bringUp(children: Children, options: BringUpOptions): Promise<Running> {
  const { mosquitto, data, couchUrl, env, signal, print } = options;
  const step = createStep(print, stepsBefore, steps);
  const platform = await createPlatform(children, { data, env, signal });

  const component = await step('Building the function examples/sensor', () => buildFunction(data, { env, signal }));
  const brokerPort = await step('Starting mosquitto', () =>
    startBroker(children, { program: mosquitto, data, env, signal }),
  );
  const couch = await (couchUrl === undefined
    ? step('Starting a stand-in for CouchDB (set COUCHDB_URL to use a real one)', () => startStandIn(children, env))
    : step('Taking the CouchDB of COUCHDB_URL', async () => givenCouch(couchUrl)));
  const arrivals = await watchArrivals(couch, databaseName());
  await step('Starting the control plane (its database is made on the first start)', platform.controlPlane.start);
  await step(`Starting agent "${agentName}"`, platform.device.start);
  await step('Deploying the function with its trigger and its sink to the agent', () =>
    deployFunction(platform, { data, component, brokerPort, couch, signal }),
  );
  return {
    platform,
    arrivals,
    async startSensor(onLine) {
      const args = [sensor, '--broker', `mqtt://127.0.0.1:${brokerPort}`, '--name', sensorName];
      await children.start({ name: 'sensor', command: process.execPath, args, env, onLine });
    },
  };
}
