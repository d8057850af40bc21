/** Liveness, readiness, metrics, and the sentence at /v1: all without a token. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Metrics } from '../metrics/metrics.ts';
import type { Access, AppEnv } from './http/access.ts';
import { json } from './http/schemas.ts';

type StatusRoutesOptions = {
  readonly access: Access;
  readonly metrics: Metrics;
  /** False while draining. */
  readonly ready: () => boolean;
};

const text = (description: string) => ({ description, content: { 'text/plain': { schema: z.string() } } });
const tags = ['status'];

export function addStatusRoutes(app: OpenAPIHono<AppEnv>, { access, metrics, ready }: StatusRoutesOptions): void {
  const open = { middleware: access.open, tags };
  const sentence = 'Skerry control plane is up and running.\n';

  app.openapi(
    createRoute({ ...open, method: 'get', path: '/v1', summary: 'Says that it is up', responses: { 200: text('Up') } }),
    (c) => c.text(sentence, 200),
  );
  app.on('GET', ['/v1/'], ...access.open, (c) => c.text(sentence));

  app.openapi(
    createRoute({
      ...open,
      method: 'get',
      path: '/metrics',
      summary: 'Prometheus metrics of the control plane',
      responses: { 200: text('Text format 0.0.4') },
    }),
    async (c) => c.text(await metrics.text(), 200, { 'content-type': metrics.contentType }),
  );

  app.openapi(
    createRoute({
      ...open,
      method: 'get',
      path: '/healthz',
      summary: 'Whether the process is alive',
      responses: { 200: json(z.object({ status: z.literal('ok') }), 'It does') },
    }),
    (c) => c.json({ status: 'ok' as const }, 200),
  );

  app.openapi(
    createRoute({
      ...open,
      method: 'get',
      path: '/readyz',
      summary: 'Whether it takes requests, even without the database',
      responses: {
        200: json(z.object({ status: z.literal('ready') }), 'It does'),
        503: json(z.object({ status: z.literal('draining') }), 'It is about to stop'),
      },
    }),
    (c) => (ready() ? c.json({ status: 'ready' as const }, 200) : c.json({ status: 'draining' as const }, 503)),
  );
}
