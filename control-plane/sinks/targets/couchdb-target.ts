/** The server and the database that a sink's parameters name: FunLess has one URL of both. */
import { type CouchdbParams, findCouchDatabase } from '@skerry/shared/function/sinks.ts';

type CouchTarget = {
  /** Without the database and without credentials; ends with "/". */
  readonly server: string;
  readonly database: string;
  /** Value of the header (RFC 7617). */
  readonly authorization: string | undefined;
};

/** @param params valid ones, which name a database */
export function couchTarget(params: Pick<CouchdbParams, 'url' | 'database' | 'username' | 'password'>): CouchTarget {
  const { origin, pathname } = new URL(params.url);
  const path = pathname.split('/').filter((part) => part !== '');
  if (params.database === undefined) path.pop();
  return {
    server: `${origin}/${path.map((part) => `${part}/`).join('')}`,
    database: findCouchDatabase(params) as string,
    authorization: basicAuthorization(params),
  };
}

/** HTTP Basic, if there is a user. */
export function basicAuthorization({ username, password }: Pick<CouchdbParams, 'username' | 'password'>) {
  if (username === undefined) return undefined;
  return `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`;
}
