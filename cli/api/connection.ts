/**
 * Which control plane a command talks to, and with which token. Each of the two comes from the first place that has
 * it: option, environment, login file, and last the token that a control plane in this directory has written
 * (`skerry up`), so that the commands work right after it.
 *
 * Invariant: a token from a file goes only to the server it was stored with.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CliFailure } from '../terminal/failure.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { loginFilePath, readLogin } from './login-file.ts';

export const defaultServer = 'http://127.0.0.1:4000';

/** File in the data directory of `skerry up` that holds the URL of its control plane. */
export const serverFile = 'server-url';

export type Connection = { readonly server: string; readonly token: string | undefined };

/** Options that every command which talks to a control plane has. */
export type ConnectionOptions = { server?: string; token?: string };

/** @throws CliFailure when a server is no URL or a file cannot be read */
export async function findConnection(terminal: Terminal, options: ConnectionOptions): Promise<Connection> {
  const given = options.server ?? terminal.env.SKERRY_SERVER;
  const server = given === undefined ? undefined : parseServer(given);
  const token = options.token ?? (terminal.env.SKERRY_TOKEN || undefined);
  if (server !== undefined && token !== undefined) return { server, token };

  for (const login of [await readLogin(loginFilePath(terminal)), await readLocalToken(terminal)]) {
    if (login === undefined || (server !== undefined && server !== parseServer(login.server))) continue;
    return { server: server ?? parseServer(login.server), token: token ?? login.token };
  }
  return { server: server ?? defaultServer, token };
}

/** The origin of an `http://` or `https://` URL; a bare `host:port` counts as `http://`. */
export function parseServer(text: string): string {
  const withScheme = /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.parse(withScheme);
  if (url === null || !/^https?:$/.test(url.protocol) || (url.pathname !== '/' && url.pathname !== '')) {
    throw new CliFailure('usage', `"${text}" is not the URL of a server, such as https://skerry.example.org`);
  }
  return url.origin;
}

async function readLocalToken({ cwd }: Terminal) {
  const directory = join(cwd, '.skerry');
  const token = (await readFile(join(directory, 'control-plane', 'admin-token'), 'utf8').catch(() => '')).trim();
  if (token === '') return undefined;
  const server = (await readFile(join(directory, serverFile), 'utf8').catch(() => '')).trim();
  return { server: server || defaultServer, token };
}
