/**
 * Finds the control plane that a command talks to, and the token. Each comes from the first of these places that has
 * it: option, environment, login file, and the token file of a control plane in this directory. Through the last one,
 * commands work right after `skerry up`.
 *
 * Invariant: a token from a file is sent only to the server that it was stored with.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CliFailure } from '../terminal/failure.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { loginFilePath, readLogin } from './login-file.ts';

export const defaultServer = 'http://127.0.0.1:4000';

/** File in the data directory of `skerry up` that holds the URL of its control plane. */
export const serverFile = 'server-url';

export type ServerConnection = { readonly server: string; readonly token: string | undefined };

/** Options of every command that talks to a control plane. */
export type ConnectionOptions = { server?: string; token?: string };

/** @throws CliFailure when a server is not a URL, or a file cannot be read */
export async function findConnection(terminal: Terminal, options: ConnectionOptions): Promise<ServerConnection> {
  const text = options.server ?? terminal.env.SKERRY_SERVER;
  const server = text === undefined ? undefined : parseServer(text);
  const token = options.token ?? (terminal.env.SKERRY_TOKEN || undefined);
  if (server !== undefined && token !== undefined) return { server, token };

  for (const login of [await readLogin(loginFilePath(terminal)), await readLocalToken(terminal)]) {
    if (login === undefined || (server !== undefined && server !== parseServer(login.server))) continue;
    return { server: server ?? parseServer(login.server), token: token ?? login.token };
  }
  return { server: server ?? defaultServer, token };
}

/** The origin of an `http://` or `https://` URL. A bare `host:port` counts as `http://`. */
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
