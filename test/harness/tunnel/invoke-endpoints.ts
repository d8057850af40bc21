/** The two endpoints of an invocation over real HTTP, in front of a test's hub. Every caller is authorized. */
import type { AddressInfo } from 'node:net';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { AppEnv } from '@skerry/control-plane/api/http/access.ts';
import { createErrorAnswer } from '@skerry/control-plane/api/http/errors.ts';
import { createInvokeEndpoints } from '@skerry/control-plane/api/invoke/dispatch.ts';
import { createRequestMetrics } from '@skerry/control-plane/metrics/request-metrics.ts';
import { createHttpServer } from '@skerry/control-plane/server.ts';
import { SkerryError } from '@skerry/shared/errors.ts';
import { pino } from 'pino';
import type { TestHub } from './hub.ts';

export type InvokeEndpoints = {
  readonly url: URL;
  /** Metrics of the endpoints, as Prometheus text. */
  metrics(): string;
  close(): Promise<void>;
};

export async function startDoors({ catalog, invoker }: TestHub): Promise<InvokeEndpoints> {
  const app = new OpenAPIHono<AppEnv>();
  const log = pino({ level: process.env.TEST_LOG ?? 'silent' });
  const requests = createRequestMetrics();
  const options = {
    catalog: { ...catalog, subjectByToken: () => ({ id: 'test', name: 'test', role: 'user' as const }) },
    invoker,
    requests,
    log,
    answerError: createErrorAnswer(log),
    maxBodyBytes: 8 * 1024 * 1024,
    asyncServices: {
      invocations: { enqueue: async () => [] },
      agents: { get: () => Promise.reject(new SkerryError('not_found', 'there are no agents')) },
    },
    recordBestEffort: () => {},
    now: () => performance.now(),
    clock: () => new Date(),
  };
  const server = createHttpServer(app, (_, socket) => socket.destroy(), createInvokeEndpoints(options));
  const { port } = (await server.listen(0, '127.0.0.1')) satisfies Pick<AddressInfo, 'port'>;
  return { url: new URL(`http://127.0.0.1:${port}`), metrics: requests.text, close: () => server.close() };
}
