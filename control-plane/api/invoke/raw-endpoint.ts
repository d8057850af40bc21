/**
 * ANY /function/{name}[.{module}]/{path}: an HTTP function gets the request and gives the answer (wasi-http.ts). For
 * any other function the body of the request is its input, and its output is the body of the answer, both unchanged.
 * Errors are JSON as everywhere.
 */
import { isUtf8 } from 'node:buffer';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { bearer, pathParameter, problems } from '../http/schemas.ts';
import type { InvokeEndpoint } from './handler.ts';

/** The endpoint `ANY /function/{name}[.{module}]/{path}`. */
export const rawEndpoint: InvokeEndpoint = {
  route: 'ALL /function/:target',
  check: () => {},
  raw: true,
  limit: (fn) => fn.manifest.limits.input_bytes,
  input: (body) => body,
  output: (output) => ({ body: output, contentType: contentTypeOf(output) }),
};

export function describeRawEndpoint(registry: OpenAPIHono['openAPIRegistry']): void {
  registry.registerPath({
    method: 'post',
    path: '/function/{target}',
    summary: 'Invoke a function with raw bytes',
    description:
      'Every method is taken, and every path below. `target` is the name of the function, or name.module. ' +
      'A function of the world wasi:http/incoming-handler gets the request (its path is what follows the target) and ' +
      'gives the answer, bodies streamed both ways. For other functions the body is the input, unchanged, and the ' +
      'output is the body of the answer.',
    tags: ['invocation'],
    security: bearer,
    parameters: [pathParameter('target')],
    request: { body: { required: false, content: { 'application/octet-stream': { schema: { type: 'string' } } } } },
    responses: {
      200: {
        description: 'Output of the function; application/json when it is JSON',
        content: { 'application/octet-stream': { schema: { type: 'string' } } },
      },
      ...problems(401, 404, 413, 422, 500, 502, 503, 504),
    },
  });
}

function contentTypeOf(output: Uint8Array): string {
  if (!isUtf8(output)) return 'application/octet-stream';
  try {
    JSON.parse(Buffer.from(output).toString());
    return 'application/json';
  } catch {
    return 'application/octet-stream';
  }
}
