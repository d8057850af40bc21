/**
 * POST /v1/fn/{module}/{function}: the hot path. A plain handler with nothing before it: routes, tokens and functions
 * come out of memory, the body is read once, and the function's output goes into the answer as the bytes it is.
 */
import { isUtf8 } from 'node:buffer';
import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { SkerryError } from '@skerry/shared/errors.ts';
import { authenticate } from '../auth.ts';
import type { Catalog } from '../catalog.ts';
import type { CatalogFunction } from '../catalog-function.ts';
import type { InvocationResult, Invoker } from '../invoke.ts';
import type { RequestMetrics } from '../request-metrics.ts';
import { needJson } from './accept.ts';
import type { AppEnv } from './access.ts';
import { readBody } from './body.ts';
import { callerSignal } from './caller.ts';
import { pathParameter } from './deploy.ts';
import type { ErrorAnswer } from './errors.ts';
import { requestIdOf } from './request-id.ts';
import { bearer, dataOf, json, jsonBody, problems } from './schemas.ts';

export type InvocationRoutesOptions = {
  readonly catalog: Pick<Catalog, 'find' | 'subjectByToken'>;
  readonly invoker: Invoker;
  readonly requests: RequestMetrics;
  readonly answerError: ErrorAnswer;
  readonly maxBodyBytes: number;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
};

export function addInvocationRoute(app: OpenAPIHono<AppEnv>, options: InvocationRoutesOptions): void {
  const { catalog, invoker, answerError, maxBodyBytes, now } = options;
  const metrics = options.requests.route('POST /v1/fn/:module/:function');

  app.post('/v1/fn/:module/:function', async (c) => {
    const start = now();
    const { incoming, outgoing } = c.env;
    const { headers } = incoming;
    const requestId = requestIdOf(headers['x-request-id']);
    try {
      authenticate(catalog, headers.authorization, 'user');
      needJson(headers.accept);
      const fn = needFunction(catalog, c.req.param('module'), c.req.param('function'));
      const input = inputOf(await readBody(incoming, maxBodyBytes));
      const result = await invoker.invoke({
        function: fn,
        input,
        signal: callerSignal(outgoing),
        ...invocationHeaders(headers),
      });
      const body = `{"data":${jsonOf(result.output)}}`;
      metrics.observe(200, now() - start);
      return new Response(body, {
        status: 200,
        headers: resultHeaders(result, requestId, 'application/json'),
      });
    } catch (error) {
      const response = answerError(error, requestId);
      metrics.observe(response.status, now() - start);
      return response;
    }
  });

  app.openAPIRegistry.registerPath({
    method: 'post',
    path: '/v1/fn/{module}/{function}',
    summary: 'Invoke a function and wait for its result',
    description:
      'Answers with `x-skerry-invocation`, `x-skerry-agent`, `x-skerry-revision`, `x-skerry-duration-us` and ' +
      '`x-skerry-cold` (0 or 1). A `traceparent` header is passed on to the agent.',
    tags: ['invocation'],
    security: bearer,
    parameters: [
      pathParameter('module'),
      pathParameter('function'),
      {
        name: 'X-Skerry-Agent',
        in: 'header',
        required: false,
        description: 'Name of the only agent that may run it',
        schema: { type: 'string' },
      },
    ],
    request: { body: { ...jsonBody(invocationSchema), required: false } },
    responses: {
      200: json(dataOf(z.unknown()), 'What the function returned'),
      ...problems(400, 401, 404, 406, 413, 422, 500, 502, 503, 504),
    },
  });
}

const invocationSchema = z.object({
  args: z.unknown().openapi({ description: 'Input of the function; absent or null: {}' }),
  scheduling: z.object({ language: z.enum(['none', 'app']), script: z.string().optional() }).optional(),
});

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

type Headers = AppEnv['Bindings']['incoming']['headers'];

/** The headers that say how to run an invocation. */
export function invocationHeaders(headers: Headers): { agent?: string; traceparent?: string } {
  const { traceparent } = headers;
  const agent = headers['x-skerry-agent'];
  return {
    ...(typeof agent === 'string' && { agent }),
    ...(typeof traceparent === 'string' && traceparent.length <= 64 && { traceparent }),
  };
}

/** Plain headers of a good answer. */
export function resultHeaders(result: InvocationResult, requestId: string, contentType: string) {
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

const noArguments = Buffer.from('{}');

/** The function's input out of the request's body. @throws SkerryError bad_request, validation_failed */
function inputOf(body: Buffer): Uint8Array {
  if (body.byteLength === 0) return noArguments;
  const request = parse(body);
  if (typeof request !== 'object' || request === null || Array.isArray(request)) {
    throw new SkerryError('bad_request', 'The body must be a JSON object');
  }
  const { args, scheduling } = request as { args?: unknown; scheduling?: unknown };
  if (scheduling !== undefined && scheduling !== null) checkScheduling(scheduling);
  return args === undefined || args === null ? noArguments : Buffer.from(JSON.stringify(args));
}

function parse(body: Buffer): unknown {
  try {
    if (isUtf8(body)) return JSON.parse(body.toString());
  } catch (cause) {
    throw new SkerryError('bad_request', 'The body is not JSON', { cause });
  }
  throw new SkerryError('bad_request', 'The body is not UTF-8');
}

function checkScheduling(scheduling: unknown): void {
  if (typeof scheduling !== 'object' || Array.isArray(scheduling)) {
    throw new SkerryError('bad_request', 'scheduling must be an object');
  }
  const { language } = scheduling as { language?: unknown };
  if (language === undefined || language === null || language === 'none') return;
  const message =
    language === 'app' ? 'language "app" is not supported by this version' : 'language must be "none" or "app"';
  throw new SkerryError('validation_failed', message, { fields: { scheduling: [message] } });
}

/** The output as text, checked to be one JSON value. @throws SkerryError function_output_invalid */
function jsonOf(output: Uint8Array): string {
  if (isUtf8(output)) {
    const text = Buffer.from(output.buffer, output.byteOffset, output.byteLength).toString();
    try {
      JSON.parse(text);
      return text;
    } catch {
      // told below
    }
  }
  throw new SkerryError('function_output_invalid', 'The function returned something that is not JSON');
}
