/**
 * Any HTTP server as a sink: each document is POSTed, with the invocation's id as `Idempotency-Key`
 * (draft-ietf-httpapi-idempotency-key-header), by which the server can recognise a repeat; 409 says that it did.
 *
 * An answer that does not depend on the document (no access, no such place, overloaded, broken) is the sink's fault;
 * other 4xx answers are the document's.
 */
import { STATUS_CODES } from 'node:http';
import type { HttpSinkParams } from '@skerry/shared/function/sinks.ts';
import { createExchange, failureReason, retryAfterMs } from '../../outbound/http-exchange.ts';
import { reasonOf } from '../../outbound/reason.ts';
import { basicAuthorization } from './couchdb-target.ts';
import { type DeliveryVerdict, type OpenSink, type SinkDocument, type SinkDown, taken } from './open-sink.ts';

/** Requests in progress at once, when order does not matter. */
const concurrency = 8;
/** No request is begun after this number of milliseconds, so that successes are recorded soon. */
const batchMs = 5_000;

/** 4xx answers that are about the sender or the place, not about the document. */
const sinkStatuses = new Set([
  401, 402, 403, 404, 405, 406, 407, 408, 410, 411, 417, 421, 423, 425, 426, 429, 431, 451,
]);

export function openHttp(params: HttpSinkParams, now: () => number, timeoutMs?: number): OpenSink {
  const exchange = createExchange(params.ca, timeoutMs);
  const url = new URL(params.url);
  const authorization = params.token === undefined ? basicAuthorization(params) : `Bearer ${params.token}`;

  const post = async (
    { id, json }: SinkDocument,
    signal: AbortSignal,
  ): Promise<DeliveryVerdict | { down: SinkDown }> => {
    const headers = {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(json)),
      'idempotency-key': id,
      ...(authorization !== undefined && { authorization }),
    };
    try {
      const answer = await exchange.send({ method: 'POST', url, headers, body: json, signal });
      const { status } = answer;
      // Nothing of the server's own text: a user who may name an address must not read through us what is there.
      const reason = `the server says ${status} ${STATUS_CODES[status] ?? ''}`.trim();
      if ((status >= 200 && status < 300) || status === 409) return taken;
      if (status === 413) return { kind: 'refused', reason };
      if (status >= 400 && status < 500 && !sinkStatuses.has(status)) return { kind: 'again', reason };
      return { down: { reason, waitMs: retryAfterMs(answer.headers) } };
    } catch (error) {
      return { down: { reason: signal.aborted ? 'given up' : reasonOf(failureReason(error)) } };
    }
  };

  return {
    batch: { documents: 64, bytes: 4 * 1024 * 1024 },
    async deliver(documents, signal) {
      const verdicts = new Array<DeliveryVerdict | undefined>(documents.length).fill(undefined);
      const start = now();
      let down: SinkDown | undefined;
      let stopped = false;
      const queue = documents.entries();
      const work = async () => {
        for (const [at, document] of queue) {
          if (at > 0 && now() - start > batchMs) return;
          const result = await post(document, signal);
          if ('down' in result) down ??= result.down;
          else verdicts[at] = result;
          // In order: no document overtakes one that was not taken.
          if (params.ordered && verdicts[at]?.kind !== 'taken') stopped = true;
          if (down || stopped) return;
        }
      };
      await Promise.all(Array.from({ length: params.ordered ? 1 : concurrency }, work));
      return { verdicts, down };
    },
    async close() {
      exchange.close();
    },
  };
}
