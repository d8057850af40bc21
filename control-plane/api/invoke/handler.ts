/**
 * The shared part of both endpoints of an invocation: the request's id, its metrics, authorization, and errors. One
 * function does it all, from Node's request to Node's response: this is the hot path, and each further layer would cost
 * every call. The endpoints differ in plain functions.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { SkerryError } from '@skerry/shared/errors.ts';
import { isCommand, isHttp } from '@skerry/shared/function/bundle.ts';
import { authenticate } from '../../access/auth.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { invokeForJson } from '../../invoke/invoke-over-http.ts';
import type { InvocationOutcome, InvocationRequest, Invoker } from '../../invoke/invoker.ts';
import type { Logger } from '../../log/log.ts';
import type { RequestMetrics } from '../../metrics/request-metrics.ts';
import type { CatalogFunction } from '../../model/catalog-function.ts';
import type { EndedInvocation } from '../../model/invocation.ts';
import { type SinkableCall, wantedCall } from '../../outcomes/sync-outcome.ts';
import { readBody } from '../http/body.ts';
import type { ErrorAnswer } from '../http/errors.ts';
import { chooseRequestId } from '../http/request-id.ts';
import { callerEnd } from './caller.ts';
import { toRequestHead } from './http-request.ts';
import { type AsyncServices, answerAsync, newInvocation, prefersAsync, refuseCallback } from './respond-async.ts';
import { callOverHttp } from './wasi-http.ts';

export type InvokeEndpointOptions = {
  readonly catalog: Pick<Catalog, 'find' | 'subjectByToken'>;
  readonly invoker: Invoker;
  readonly requests: RequestMetrics;
  readonly answerError: ErrorAnswer;
  readonly log: Logger;
  readonly maxBodyBytes: number;
  /** Services of asynchronous calls. */
  readonly asyncServices: AsyncServices;
  /** Takes outcomes that a sink selects, without waiting. */
  readonly recordBestEffort: (ended: EndedInvocation) => void;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  readonly clock: () => Date;
};

export type InvokeEndpoint = {
  /** Name of the route in the metrics. */
  readonly route: string;
  /** @throws SkerryError not_acceptable */
  check(incoming: IncomingMessage): void;
  /** Whether an HTTP function gets the request itself; otherwise it gets the input as JSON. */
  readonly raw: boolean;
  /** Largest body in bytes, where it is below the general limit. */
  readonly limit: ((fn: CatalogFunction) => number) | undefined;
  /** Reads the function's input from the body. @throws SkerryError bad_request, validation_failed */
  input(body: Buffer): Uint8Array;
  /** Builds the answer's body from the function's output. @throws SkerryError function_output_invalid */
  output(output: Uint8Array): { readonly body: string | Uint8Array; readonly contentType: string };
};

/** The function that a request names. */
export type InvokeTarget = { readonly module: string; readonly name: string };

/** Answers a request; never rejects. */
type InvokeHandler = (incoming: IncomingMessage, outgoing: ServerResponse, target: InvokeTarget) => Promise<void>;

export function createInvokeEndpoint(options: InvokeEndpointOptions, endpoint: InvokeEndpoint): InvokeHandler {
  const { catalog, invoker, requests, answerError, log, maxBodyBytes, asyncServices, recordBestEffort, now, clock } =
    options;
  const metrics = requests.route(endpoint.route);

  return async (incoming, outgoing, target) => {
    const start = now();
    const { headers } = incoming;
    const requestId = chooseRequestId(headers['x-request-id']);
    const end = callerEnd(incoming, outgoing);
    try {
      const subject = authenticate(catalog, headers.authorization, 'user');
      endpoint.check(incoming);
      const fn = needFunction(catalog, target.module, target.name);
      const overHttp = isHttp(fn.world);
      const later = headers.prefer !== undefined && prefersAsync(headers.prefer);
      if (overHttp && endpoint.raw && !later) {
        const wanted = wantedCall(fn, recordBestEffort, clock);
        const call = { function: fn, incoming, outgoing, end, requestId, wanted, how: invocationHeaders(headers) };
        await callOverHttp(call, { invoker, metrics, log });
        return metrics.observe(outgoing.statusCode, now() - start);
      }
      // Where the function itself sees the headers, they belong to the function and its callers.
      const seesHeaders = endpoint.raw && (overHttp || isCommand(fn.world));
      if (!later && !seesHeaders) refuseCallback(headers);
      const limit = Math.min(maxBodyBytes, endpoint.limit?.(fn) ?? maxBodyBytes);
      const input = endpoint.input(await readBody(incoming, limit));
      const how = invocationHeaders(headers);
      if (later) {
        const http = seesHeaders ? toRequestHead(incoming) : undefined;
        const call = { function: fn, input, headers, http, createdBy: subject.name, ...how };
        await answerAsync(newInvocation(call, clock()), asyncServices, outgoing, requestId);
        return metrics.observe(202, now() - start);
      }
      const wanted = wantedCall(fn, recordBestEffort, clock);
      const invocation: InvocationRequest = {
        function: fn,
        input,
        signal: end.signal,
        ...how,
        ...(wanted && { id: wanted.id }),
      };
      const called = overHttp
        ? invokeForJson(invoker, invocation, headers.host ?? '')
        : invoker.invoke(endpoint.raw ? withHead(invocation, incoming) : invocation);
      const result = await (wanted ? told(called, input, wanted) : called);
      const { body, contentType } = endpoint.output(result.output);
      metrics.observe(200, now() - start);
      outgoing.writeHead(200, resultHeaders(result, requestId, contentType, body));
      outgoing.end(body);
    } catch (error) {
      const { status, headers: told, body } = answerError(error, requestId);
      metrics.observe(status, now() - start);
      outgoing.writeHead(status, { ...told, 'content-length': Buffer.byteLength(body) });
      outgoing.end(body);
    }
  };
}

/** @throws SkerryError not_found */
export function needFunction(
  catalog: Pick<Catalog, 'find'>,
  module: string | undefined,
  name: string | undefined,
): CatalogFunction {
  const fn = module !== undefined && name !== undefined ? catalog.find(module, name) : undefined;
  if (!fn) throw new SkerryError('not_found', `There is no function "${name}" in module "${module}"`);
  return fn;
}

/** Awaits the outcome, and passes it to the sinks that select it. */
async function told(
  called: Promise<InvocationOutcome>,
  input: Uint8Array,
  wanted: SinkableCall,
): Promise<InvocationOutcome> {
  try {
    const result = await called;
    wanted.succeeded(input, result);
    return result;
  } catch (error) {
    wanted.failed(input, error);
    throw error;
  }
}

/** Commands get the request as `Http_*` environment; the other worlds cannot see it. */
function withHead(invocation: InvocationRequest, incoming: IncomingMessage): InvocationRequest {
  return isCommand(invocation.function.world) ? { ...invocation, http: toRequestHead(incoming) } : invocation;
}

/** The headers that say how to run an invocation. */
function invocationHeaders(headers: IncomingHttpHeaders): { agent?: string; traceparent?: string } {
  const { traceparent } = headers;
  const agent = headers['x-skerry-agent'];
  return {
    ...(typeof agent === 'string' && { agent }),
    ...(typeof traceparent === 'string' && traceparent.length <= 64 && { traceparent }),
  };
}

/** Names and values alternate, which Node writes fastest. */
function resultHeaders(result: InvocationOutcome, requestId: string, contentType: string, body: string | Uint8Array) {
  return [
    'content-type',
    contentType,
    'content-length',
    String(Buffer.byteLength(body)),
    'x-request-id',
    requestId,
    'x-skerry-invocation',
    result.id,
    'x-skerry-agent',
    result.agent,
    'x-skerry-revision',
    String(result.revision),
    'x-skerry-duration-us',
    String(result.durationUs),
    'x-skerry-cold',
    result.cold ? '1' : '0',
  ];
}
