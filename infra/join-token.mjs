// Makes a join token for one agent, valid for ten minutes, and writes it to JOIN_TOKEN_FILE for the user `node`
// (uid 1000) of the agent's image. Part of compose.yaml.
import { chown, writeFile } from 'node:fs/promises';

const { SKERRY_SERVER, SKERRY_ADMIN_TOKEN, JOIN_TOKEN_FILE } = process.env;
const response = await fetch(new URL('/v1/agents/tokens', SKERRY_SERVER), {
  method: 'POST',
  headers: { authorization: `Bearer ${SKERRY_ADMIN_TOKEN}`, 'content-type': 'application/json' },
  body: JSON.stringify({ uses: 1, expires_in_seconds: 600 }),
  signal: AbortSignal.timeout(10_000),
});
if (!response.ok) throw new Error(`no join token: ${response.status} ${await response.text()}`);
const { data } = await response.json();
await writeFile(JOIN_TOKEN_FILE, data.token, { mode: 0o400 });
await chown(JOIN_TOKEN_FILE, 1000, 1000);
