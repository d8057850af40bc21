/** Middleware in front of every handler except the invocation's: a request id, metrics, authorization. */
import type { HttpBindings } from '@hono/node-server';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { createMiddleware } from 'hono/factory';
import { routePath } from 'hono/route';
import { authenticate } from '../../access/auth.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { RequestMetrics } from '../../metrics/request-metrics.ts';
import type { Role, Subject } from '../../model/subject.ts';
import { needType } from './accept.ts';
import { chooseRequestId } from './request-id.ts';

export type AppEnv = {
  Bindings: HttpBindings;
  Variables: {
    requestId: string;
    /** Set where a role is required. */
    subject: Subject;
  };
};

type Guard = MiddlewareHandler<AppEnv>;

/**
 * Middleware lists for routes, by required role. `upload` is `user` without a limit on the body; `download` and
 * `scrape` are `user` with an answer that is a component or Prometheus text.
 */
export type Access = Readonly<Record<'open' | 'user' | 'admin' | 'upload' | 'download' | 'scrape', Guard[]>>;

export function createAccess(
  catalog: Pick<Catalog, 'subjectByToken'>,
  requests: RequestMetrics,
  maxBodyBytes: number,
  now: () => number,
): Access {
  const observe = createMiddleware<AppEnv>(async (c, next) => {
    const start = now();
    const requestId = chooseRequestId(c.env.incoming.headers['x-request-id']);
    c.set('requestId', requestId);
    await next();
    c.res.headers.set('x-request-id', requestId);
    requests.route(`${c.req.method} ${routePath(c, -1)}`).observe(c.res.status, now() - start);
  });
  const need = (role: Role, type?: string) =>
    createMiddleware<AppEnv>((c, next) => {
      const { authorization, accept } = c.env.incoming.headers;
      c.set('subject', authenticate(catalog, authorization, role));
      needType(accept, type);
      return next();
    });
  const limit = bodyLimit({ maxSize: maxBodyBytes, onError: () => tooLarge(maxBodyBytes) });
  return {
    open: [observe],
    user: [observe, need('user'), limit],
    admin: [observe, need('admin'), limit],
    upload: [observe, need('user')],
    download: [observe, need('user', 'application/wasm'), limit],
    scrape: [observe, need('user', 'text/plain'), limit],
  };
}

function tooLarge(limit: number): never {
  throw new SkerryError('payload_too_large', `The body must not have more than ${limit} bytes`);
}
