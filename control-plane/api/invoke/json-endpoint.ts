/**
 * POST /v1/fn/{module}/{function}: the hot path. Routes, tokens and functions come from memory, the body is read once,
 * and the bytes of the function's output go into the answer unchanged.
 */
import { isUtf8 } from 'node:buffer';
import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { SkerryError } from '@skerry/shared/errors.ts';
import { needType } from '../http/accept.ts';
import { bearer, dataEnvelope, json, jsonBody, pathParameter, problems } from '../http/schemas.ts';
import type { InvokeEndpoint } from './handler.ts';

/** The endpoint `POST /v1/fn/{module}/{function}`. */
export const jsonEndpoint: InvokeEndpoint = {
  route: 'POST /v1/fn/:module/:function',
  check: ({ headers }) => needType(headers.accept),
  raw: false,
  limit: undefined,
  input: inputOf,
  output: (output) => ({ body: `{"data":${jsonOf(output)}}`, contentType: 'application/json' }),
};

export function describeInvocation(registry: OpenAPIHono['openAPIRegistry']): void {
  registry.registerPath({
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
      200: json(dataEnvelope(z.unknown()), 'The result of the function'),
      ...problems(400, 401, 404, 406, 413, 422, 500, 502, 503, 504),
    },
  });
}

const invocationSchema = z.object({
  args: z.unknown().openapi({ description: 'Input of the function; absent or null: {}' }),
  scheduling: z.object({ language: z.enum(['none', 'app']), script: z.string().optional() }).optional(),
});

const noArguments = Buffer.from('{}');

/** Reads the function's input from the request's body. @throws SkerryError bad_request, validation_failed */
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

/** The output as text, after a check that it is one JSON value. @throws SkerryError function_output_invalid */
function jsonOf(output: Uint8Array): string {
  if (isUtf8(output)) {
    const text = Buffer.from(output.buffer, output.byteOffset, output.byteLength).toString();
    try {
      JSON.parse(text);
      return text;
    } catch {
      // reported below
    }
  }
  throw new SkerryError('function_output_invalid', 'The function returned something that is not JSON');
}
