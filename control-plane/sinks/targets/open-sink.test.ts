/** Every type of sink against a real server of its kind; CouchDB's is the stand-in of the tests. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { couchdbParamsSchema, httpSinkParamsSchema, mqttSinkParamsSchema } from '@skerry/shared/function/sinks.ts';
import { openSinkContract, type SinkPeer } from '../../../test/contracts/sinks/open-sink.contract.ts';
import { startCouchDb } from '../../../test/harness/couchdb/couchdb.ts';
import { startMosquitto } from '../../../test/harness/mqtt/mosquitto.ts';
import { openCouchdb } from './couchdb.ts';
import { openHttp } from './http.ts';
import { openMqtt } from './mqtt.ts';

const password = 'l0velace-s3cret';

async function couchPeer(): Promise<SinkPeer> {
  const couch = await startCouchDb({ user: 'ada', password });
  const params = { url: couch.url, username: 'ada', password, database: 'outcomes', create: true };
  return {
    open: () => openCouchdb(couchdbParamsSchema.parse(params)),
    readIds: async () => [...couch.documents('outcomes').keys()],
    stop: couch.stop,
    restart: couch.start,
    close: couch.stop,
  };
}

/** Keeps one document per `Idempotency-Key`, as the page of sinks asks of a server. */
async function httpPeer(): Promise<SinkPeer> {
  const ids = new Set<string>();
  let server: Server;
  const listen = async (port: number) => {
    server = createServer(async (request, response) => {
      for await (const _ of request);
      ids.add(String(request.headers['idempotency-key']));
      response.writeHead(204).end();
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const port = await listen(0);
  const stop = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  const params = { url: `http://127.0.0.1:${port}/hook`, username: 'ada', password };
  return {
    open: () => openHttp(httpSinkParamsSchema.parse(params), () => performance.now()),
    readIds: async () => [...ids],
    stop,
    restart: async () => void (await listen(port)),
    close: async () => {
      if (server.listening) await stop();
    },
  };
}

/** Counts each id once, since a subscriber recognises a repeat by the id in the document. */
async function mqttPeer(): Promise<SinkPeer> {
  const broker = await startMosquitto({ user: { name: 'ada', password } });
  const ids = new Set<string>();
  const client = await broker.client();
  client.on('message', (_, payload) => void ids.add(JSON.parse(payload.toString()).id));
  await client.subscribeAsync('outcomes', { qos: 1 });
  const params = { host: '127.0.0.1', port: broker.port, topic: 'outcomes', username: 'ada', password };
  return {
    open: () => openMqtt(mqttSinkParamsSchema.parse(params)),
    readIds: async () => [...ids],
    stop: broker.stop,
    restart: broker.restart,
    close: broker.close,
  };
}

openSinkContract('a CouchDB sink', { start: couchPeer, password });
openSinkContract('an HTTP sink', { start: httpPeer, password });
openSinkContract('an MQTT sink', { start: mqttPeer, password });
