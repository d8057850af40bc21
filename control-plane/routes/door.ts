/**
 * What both doors to an invocation have in common: the request's id, its metrics, who calls, and how errors are told.
 * One handler does it all, with nothing before it and one wait after another: this is the hot path, and each further
 * async layer would cost every call. What differs between the doors are plain functions.
 */
import type { IncomingMessage } from 'node:http';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Context } from 'hono';
import { authenticate } from '../auth.ts';
import type { Catalog } from '../catalog.ts';
import type { CatalogFunction } from '../catalog-function.ts';
import type { Invocation, InvocationResult, Invoker } from '../invoke.ts';
import { invokeForJson } from '../invoke-http.ts';
import type { Logger } from '../log.ts';
import type { RequestMetrics } from '../request-metrics.ts';
import type { AppEnv } from './access.ts';
import { readBody } from './body.ts';
import { callerSignal } from './caller.ts';
import type { ErrorAnswer } from './errors.ts';
import { alreadyAnswered, callOverHttp } from './http-door.ts';
import { requestHeadOf } from './http-request.ts';
import { requestIdOf } from './request-id.ts';

export type DoorOptions = {
  readonly catalog: Pick<Catalog, 'find' | 'subjectByToken'>;
  readonly invoker: Invoker;
  readonly requests: RequestMetrics;
  readonly answerError: ErrorAnswer;
  readonly log: Logger;
  readonly maxBodyBytes: number;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
};

export type Door = {
  /** Name of the route in the metrics. */
  readonly route: string;
  /** The function that the request names. @throws SkerryError not_found, not_acceptable */
  find(c: Context<AppEnv>): CatalogFunction;
  /** Whether an HTTP function gets the request as it is; else it gets the input as JSON. */
  readonly raw: boolean;
  /** Bytes of the body at most, where it is less than for any body. */
  limit?(fn: CatalogFunction): number;
  /** The function's input out of the body. @throws SkerryError bad_request, validation_failed */
  input(body: Buffer): Uint8Array;
  /** The answer's body out of the function's output. @throws SkerryError function_output_invalid */
  output(output: Uint8Array): { readonly body: string | Uint8Array<ArrayBuffer>; readonly contentType: string };
};

export function createDoor(
  { catalog, invoker, requests, answerError, log, maxBodyBytes, now }: DoorOptions,
  door: Door,
): (c: Context<AppEnv>) => Promise<Response> {
  const metrics = requests.route(door.route);
  return async (c) => {
    const start = now();
    const { incoming, outgoing } = c.env;
    const { headers } = incoming;
    const requestId = requestIdOf(headers['x-request-id']);
    try {
      authenticate(catalog, headers.authorization, 'user');
      const fn = door.find(c);
      const overHttp = fn.world === 'wasi:http/incoming-handler';
      if (overHttp && door.raw) {
        const call = { function: fn, incoming, outgoing, requestId, how: invocationHeaders(headers) };
        await callOverHttp(call, { invoker, metrics, log });
        metrics.observe(outgoing.statusCode, now() - start);
        return alreadyAnswered(incoming);
      }
      const limit = Math.min(maxBodyBytes, door.limit?.(fn) ?? maxBodyBytes);
      const input = door.input(await readBody(incoming, limit));
      const signal = callerSignal(outgoing);
      const invocation: Invocation = { function: fn, input, signal, ...invocationHeaders(headers) };
      const result = await (overHttp
        ? invokeForJson(invoker, invocation, headers.host ?? '')
        : invoker.invoke(door.raw ? withHead(invocation, incoming) : invocation));
      const { body, contentType } = door.output(result.output);
      metrics.observe(200, now() - start);
      return new Response(body, { status: 200, headers: resultHeaders(result, requestId, contentType) });
    } catch (error) {
      const response = answerError(error, requestId);
      metrics.observe(response.status, now() - start);
      return response;
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

/** Commands get the request as `Http_*` environment; the other worlds cannot see it. */
function withHead(invocation: Invocation, incoming: IncomingMessage): Invocation {
  return invocation.function.world === 'wasi:cli/run' ? { ...invocation, http: requestHeadOf(incoming) } : invocation;
}

type Headers = AppEnv['Bindings']['incoming']['headers'];

/** The headers that say how to run an invocation. */
function invocationHeaders(headers: Headers): { agent?: string; traceparent?: string } {
  const { traceparent } = headers;
  const agent = headers['x-skerry-agent'];
  return {
    ...(typeof agent === 'string' && { agent }),
    ...(typeof traceparent === 'string' && traceparent.length <= 64 && { traceparent }),
  };
}

/** Plain headers of a good answer. */
function resultHeaders(result: InvocationResult, requestId: string, contentType: string) {
  return {
    'content-type': contentType,
    'x-request-id': requestId,
    'x-skerry-invocation': result.id,
    'x-skerry-agent': result.agent,
    'x-skerry-revision': String(result.revision),
    'x-skerry-duration-us': String(result.durationUs),
    'x-skerry-cold': result.cold ? '1' : '0',
  };
}
