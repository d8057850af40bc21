/** Suggests things to try while it runs. */
import { join, relative } from 'node:path';
import { functionName } from './function.ts';
import { agentName } from './services/platform.ts';

export function thingsToTry(server: string, data: string): string {
  const near = relative(process.cwd(), data);
  const shown = near.startsWith('..') ? data : near;
  return `
The sensor publishes to mosquitto. Agent "${agentName}" takes its messages from there by itself, runs the function
"${functionName}" on them, and sends the outcomes home; the control plane brings them to CouchDB.

To try, here:
  c and Enter    stop the control plane. The device records its outcomes on its own disk, and goes on.
                 Again: start it. The outcomes arrive, none is missing, none is there twice.
  d and Enter    take the power from the device (SIGKILL); again: give it back.
  Ctrl-C         end everything.

In a second terminal:
  export SKERRY_SERVER=${server} SKERRY_TOKEN="$(cat ${join(shown, 'control-plane/admin-token')})"
  scripts/skerry trigger list ${functionName}    # connected since when, what came, what ran
  scripts/skerry sink list              # delivered, waiting, how far behind
  scripts/skerry fn logs ${functionName}

Logs of all processes: ${join(shown, 'logs')}/
`;
}
