/**
 * A request as environment variables, for the command worlds, with the names of OpenFaaS's classic watchdog, so that
 * its functions run unchanged. Of repeated headers only the first is there.
 */
import type { RequestHead } from '@skerry/shared/http/http.ts';

/** @param bodyBytes length of the body, which a command has whole on its standard input */
export function toEnvironment(request: RequestHead, bodyBytes: number): Record<string, string> {
  const queryAt = request.path.indexOf('?');
  const query = queryAt < 0 ? '' : request.path.slice(queryAt + 1);
  const headers = request.headers.map(([name, value]): [string, string] => [`Http_${variableOf(name)}`, value]);
  return {
    ...Object.fromEntries(headers.toReversed()),
    Http_Method: request.method,
    Http_ContentLength: String(bodyBytes),
    Http_Content_Length: String(bodyBytes),
    Http_Path: queryAt < 0 ? request.path : request.path.slice(0, queryAt),
    ...(query !== '' && { Http_Query: query }),
    ...(request.authority !== '' && { Http_Host: request.authority }),
  };
}

/** `content-type` becomes `Content_Type`. */
function variableOf(name: string): string {
  return name
    .split('-')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase())
    .join('_');
}
