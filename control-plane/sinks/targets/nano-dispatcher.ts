/**
 * The dispatcher of nano's requests. nano passes it to `fetch`, and has no bounds of its own: an answer of any size is
 * read into memory, and a truncated one leaves its promise open and ends the process with a rejection that cannot be
 * handled (nano 11.0.7, lib/nano.js, `responseHandler`). So each answer is read here first, whole and bounded, and then
 * passed on as JSON in memory.
 *
 * nano reports a failure as text; `onEnd` gets the facts.
 */
import type { ExchangeAnswer, OutboundExchange } from '../../outbound/http-exchange.ts';

/** How a request ended on the wire. */
export type ExchangeEnd = { readonly answer: ExchangeAnswer } | { readonly failure: unknown };

/** The part of undici's dispatcher that `fetch` uses (undici, docs/docs/api/Dispatcher.md). */
type DispatchOptions = {
  readonly origin: string | URL;
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: AsyncIterable<Uint8Array> | null;
};
type DispatchController = {
  readonly rawHeaders: readonly string[];
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
};
type DispatchHandler = {
  onRequestStart(controller: DispatchController, context: object): void;
  onResponseStart(controller: DispatchController, status: number, headers: object, statusText: string): void;
  onResponseData(controller: DispatchController, part: Uint8Array): void;
  onResponseEnd(controller: DispatchController, trailers: object): void;
  onResponseError(controller: DispatchController, error: Error): void;
};

export type RequestDispatcher = { dispatch(options: DispatchOptions, handler: DispatchHandler): boolean };

/** Of an answer's headers, fetch and nano see only that it is JSON: no encodings, no cookies. */
const seenHeaders = { 'content-type': 'application/json' };

export function createDispatcher(exchange: OutboundExchange, onEnd: (end: ExchangeEnd) => void): RequestDispatcher {
  const run = async (options: DispatchOptions, signal: AbortSignal): Promise<ExchangeAnswer> => {
    const parts: Uint8Array[] = [];
    for await (const part of options.body ?? []) parts.push(part);
    return exchange.send({
      method: options.method,
      url: new URL(options.path, options.origin),
      headers: options.headers,
      body: parts.length === 0 ? undefined : Buffer.concat(parts),
      signal,
    });
  };
  return {
    dispatch(options, handler) {
      const aborting = new AbortController();
      const controller: DispatchController = {
        rawHeaders: Object.entries(seenHeaders).flat(),
        abort: (reason) => aborting.abort(reason),
        pause() {},
        resume() {},
      };
      handler.onRequestStart(controller, {});
      const fail = (failure: unknown) =>
        handler.onResponseError(controller, failure instanceof Error ? failure : new Error(String(failure)));
      const give = async () => {
        const answer = await run(options, aborting.signal).catch((failure: unknown) => {
          onEnd({ failure });
          throw failure;
        });
        onEnd({ answer });
        handler.onResponseStart(controller, answer.status, seenHeaders, '');
        if (answer.body.byteLength > 0) handler.onResponseData(controller, answer.body);
        handler.onResponseEnd(controller, {});
      };
      give().catch(fail);
      return true;
    },
  };
}
