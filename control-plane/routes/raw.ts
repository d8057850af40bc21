/**
 * ANY /function/{name}[.{module}]/{path}: the body of the request is the function's input, its output is the body of
 * the answer, both as they are. Errors are JSON as everywhere.
 */
import { isUtf8 } from 'node:buffer';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { defaultModule } from '@skerry/shared/names.ts';
import type { Context } from 'hono';
import { authenticate } from '../auth.ts';
import type { AppEnv } from './access.ts';
import { readBody } from './body.ts';
import { callerSignal } from './caller.ts';
import { pathParameter } from './deploy.ts';
import { type InvocationRoutesOptions, invocationHeaders, needFunction, resultHeaders } from './invocation.ts';
import { requestIdOf } from './request-id.ts';
import { bearer, problems } from './schemas.ts';

export function addRawRoutes(app: OpenAPIHono<AppEnv>, options: InvocationRoutesOptions): void {
  const { catalog, invoker, requests, answerError, maxBodyBytes, now } = options;
  const metrics = requests.route('ALL /function/:target');

  const handle = async (c: Context<AppEnv>) => {
    const start = now();
    const { incoming, outgoing } = c.env;
    const { headers } = incoming;
    const requestId = requestIdOf(headers['x-request-id']);
    try {
      authenticate(catalog, headers.authorization, 'user');
      const { module, name } = targetOf(c.req.param('target') ?? '');
      const fn = needFunction(catalog, module, name);
      const limit = Math.min(maxBodyBytes, fn.manifest.limits.input_bytes);
      const result = await invoker.invoke({
        function: fn,
        input: await readBody(incoming, limit),
        signal: callerSignal(outgoing),
        ...invocationHeaders(headers),
      });
      metrics.observe(200, now() - start);
      return new Response(new Uint8Array(result.output), {
        status: 200,
        headers: resultHeaders(result, requestId, contentTypeOf(result.output)),
      });
    } catch (error) {
      const response = answerError(error, requestId);
      metrics.observe(response.status, now() - start);
      return response;
    }
  };
  app.all('/function/:target', handle);
  app.all('/function/:target/*', handle);

  app.openAPIRegistry.registerPath({
    method: 'post',
    path: '/function/{target}',
    summary: 'Invoke a function with raw bytes',
    description:
      'Every method is taken, and every path below. `target` is the name of the function, or name.module. ' +
      'The body is the input as it is, and the output is the body of the answer.',
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

function targetOf(target: string): { module: string; name: string } {
  const dot = target.indexOf('.');
  return dot === -1
    ? { module: defaultModule, name: target }
    : { name: target.slice(0, dot), module: target.slice(dot + 1) };
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
