/**
 * The endpoints of an invocation, in front of the application. Their requests are recognised by their first characters
 * and answered without the router, the request and response objects and the middleware that serve the rest of the API
 * (docs/decisions/0011-the-cost-of-a-call.md).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { defaultModule } from '@skerry/shared/function/names.ts';
import { createInvokeEndpoint, type InvokeEndpointOptions, type InvokeTarget } from './handler.ts';
import { jsonEndpoint } from './json-endpoint.ts';
import { rawEndpoint } from './raw-endpoint.ts';

/** Answers the request and returns true, or returns false when it belongs to another route. */
export type InvokeEndpoints = (incoming: IncomingMessage, outgoing: ServerResponse) => boolean;

const jsonPrefix = '/v1/fn/';
const rawPrefix = '/function/';

export function createInvokeEndpoints(options: InvokeEndpointOptions): InvokeEndpoints {
  const json = createInvokeEndpoint(options, jsonEndpoint);
  const raw = createInvokeEndpoint(options, rawEndpoint);
  return (incoming, outgoing) => {
    const path = pathOf(incoming.url ?? '/');
    if (path.startsWith(jsonPrefix)) {
      const target = incoming.method === 'POST' ? jsonTarget(path.slice(jsonPrefix.length)) : undefined;
      if (!target) return false;
      void json(incoming, outgoing, target);
      return true;
    }
    const target = path.startsWith(rawPrefix) ? rawTarget(path.slice(rawPrefix.length)) : undefined;
    if (!target) return false;
    void raw(incoming, outgoing, target);
    return true;
  };
}

/** The path of a request's target, which may have scheme and host before it (RFC 9112, section 3.2.2). */
function pathOf(url: string): string {
  const path = url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?#]*/i, '');
  const end = path.search(/[?#]/);
  return end === -1 ? path : path.slice(0, end);
}

/** `{module}/{function}`, and nothing more. */
function jsonTarget(rest: string): InvokeTarget | undefined {
  const slash = rest.indexOf('/');
  if (slash <= 0 || slash === rest.length - 1 || rest.includes('/', slash + 1)) return undefined;
  return { module: decoded(rest.slice(0, slash)), name: decoded(rest.slice(slash + 1)) };
}

/** `{function}[.{module}]`, then anything. */
function rawTarget(rest: string): InvokeTarget | undefined {
  const slash = rest.indexOf('/');
  const target = decoded(slash === -1 ? rest : rest.slice(0, slash));
  if (target === '') return undefined;
  const dot = target.indexOf('.');
  return dot === -1
    ? { module: defaultModule, name: target }
    : { name: target.slice(0, dot), module: target.slice(dot + 1) };
}

/** A part that cannot be decoded stays as it is, and names nothing. */
function decoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
