/**
 * An MQTT broker as a sink: each document is published, and counts as taken when the broker has acknowledged it; with
 * QoS 0, which is never acknowledged, when it was written to the connection.
 *
 * A broker that takes a connection and breaks it on a document refuses the document in the only way that MQTT 3.1.1
 * has. So that one document does not stop all others, a break costs the document an attempt if it was alone on a new
 * connection.
 */
import { randomBytes } from 'node:crypto';
import type { MqttSinkParams } from '@skerry/shared/function/sinks.ts';
import { connectTimeoutMs, toMqttOptions } from '@skerry/shared/mqtt/client.ts';
import { guardPackets } from '@skerry/shared/mqtt/packet-guard.ts';
import type { IConnackPacket } from 'mqtt';
import { failureReason } from '../../outbound/http-exchange.ts';
import { connectBroker } from '../../outbound/mqtt.ts';
import { reasonOf } from '../../outbound/reason.ts';
import { type DeliveryVerdict, type OpenSink, type SinkDocument, type SinkDown, taken } from './open-sink.ts';

/** Milliseconds that acknowledgements may take. */
const publishTimeoutMs = 30_000;
/**
 * At most this number of messages waits for acknowledgements at once. MQTT 3.1.1 has no field for a broker's own limit;
 * mosquitto 2.0 breaks the connection at 21 of QoS 2.
 */
const maxWindow = 16;
/** Most bytes of a PUBLISH besides topic and payload (MQTT 5.0, section 3.3; no properties). */
const packetOverhead = 16;
/** Largest packet of the broker in bytes: only acknowledgements are expected, with short texts. */
const maxPacketBytes = 64 * 1024;
/** Reason code of a PUBACK that is about the payload (MQTT 5.0, section 3.4.2.1). */
const payloadFormatInvalid = 0x99;

export function openMqtt(params: MqttSinkParams, timeoutMs = publishTimeoutMs): OpenSink {
  let live: Connection | undefined;
  let closed = false;

  const connected = async (signal: AbortSignal): Promise<Connection> => {
    if (live && !live.lost.aborted) return live;
    live = await open(params, AbortSignal.any([signal, AbortSignal.timeout(connectTimeoutMs)]));
    return live;
  };

  const deliver = async (documents: readonly SinkDocument[], given: AbortSignal) => {
    const verdicts = new Array<DeliveryVerdict | undefined>(documents.length).fill(undefined);
    const failed = (reason: string) => ({ verdicts, down: { reason: reasonOf(reason) } });
    if (closed) return failed('closed');
    const before = live;
    let connection: Connection;
    try {
      connection = await connected(given);
    } catch (error) {
      return failed(given.aborted ? 'given up' : failureReason(error));
    }
    const deadline = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([given, connection.lost, deadline]);
    let down: SinkDown | undefined;
    const publish = async (document: SinkDocument, at: number) => {
      try {
        verdicts[at] = await connection.publish(document, signal);
      } catch (error) {
        const silent = deadline.aborted ? 'the broker does not acknowledge' : failureReason(error);
        down ??= { reason: given.aborted ? 'given up' : silent };
      }
    };
    const queue = documents.entries();
    const work = async () => {
      for (const [at, document] of queue) {
        await publish(document, at);
        // In order: no document overtakes one that was not taken.
        if (down || (params.ordered && verdicts[at]?.kind !== 'taken')) return;
      }
    };
    await Promise.all(Array.from({ length: params.ordered ? 1 : connection.window }, work));
    if (!down) return { verdicts };
    const broken = connection.lost.aborted && !given.aborted;
    await connection.end();
    if (!broken || connection === before || documents.length > 1) return { verdicts, down };
    return { verdicts: [{ kind: 'again', reason: 'the broker closed the connection on it' } as const] };
  };

  return {
    batch: { documents: 200, bytes: 4 * 1024 * 1024 },
    deliver,
    async close() {
      closed = true;
      await live?.end();
    },
  };
}

type Connection = {
  /** Aborts when the connection is gone. */
  readonly lost: AbortSignal;
  /** Messages that may wait for their acknowledgement at once. */
  readonly window: number;
  /** Rejects when it is unknown whether the broker has it. */
  publish(document: SinkDocument, signal: AbortSignal): Promise<DeliveryVerdict>;
  end(): Promise<void>;
};

/** Rejects with the reason why the broker cannot be reached, or refused the connection. */
async function open(params: MqttSinkParams, signal: AbortSignal): Promise<Connection> {
  const lost = new AbortController();
  const client = connectBroker(
    toMqttOptions(params, {
      clientId: `skerry-${randomBytes(8).toString('hex')}`,
      clean: true,
      receiveMaximum: maxWindow,
      maximumPacketSize: maxPacketBytes,
    }),
  );
  const end = () => client.endAsync(true);
  guardPackets(client, maxPacketBytes, (why) => {
    lost.abort(new Error(why));
    client.stream.destroy(new Error(why));
  });
  const admitted = await new Promise<IConnackPacket>((resolve, reject) => {
    client.once('connect', resolve);
    client.on('error', reject);
    client.once('close', () => reject(new Error('the broker closed the connection')));
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(new Error('the broker does not answer')), { once: true });
  }).catch(async (error: unknown) => {
    await end();
    throw error;
  });
  client.on('close', () => lost.abort(new Error('the broker closed the connection')));
  const maxPacket = admitted.properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY;
  const { topic, qos, retain } = params;
  const topicBytes = Buffer.byteLength(topic);

  return {
    lost: lost.signal,
    // MQTT 5.0, section 3.2.2.3.3: with one more message, the broker breaks the connection.
    window: Math.min(maxWindow, admitted.properties?.receiveMaximum ?? maxWindow),
    end,
    publish: ({ json }, until) =>
      new Promise((resolve, reject) => {
        if (Buffer.byteLength(json) + topicBytes + packetOverhead > maxPacket) {
          resolve({ kind: 'refused', reason: `the broker takes packets of ${maxPacket} bytes at most` });
          return;
        }
        if (until.aborted) return reject(until.reason);
        const abort = () => reject(until.reason);
        until.addEventListener('abort', abort, { once: true });
        client.publish(topic, json, { qos, retain }, (error) => {
          until.removeEventListener('abort', abort);
          if (!error) return resolve(taken);
          const { code } = error as { code?: unknown };
          if (code !== payloadFormatInvalid) return reject(error);
          resolve({ kind: 'again', reason: reasonOf(`the broker says: ${error.message}`) });
        });
      }),
  };
}
