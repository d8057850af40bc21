/** The outcome of a run as a page for people: docs/TORTURE.md. */
import { cpus } from 'node:os';
import type { TortureResult } from './run.ts';

export function passed({ lost, duplicated, arrived, documents }: TortureResult): boolean {
  return lost.length === 0 && duplicated.length === 0 && arrived === documents;
}

export function render(result: TortureResult, when: Date): string {
  const { options, faults } = result;
  const kills = faults.filter(({ name }) => name.endsWith('killed')).reduce((sum, { times }) => sum + times, 0);
  return `# Torture

Written by \`npm run torture -- --kills ${options.kills} --seed ${options.seed} --rate ${options.rate}\` (${when.toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} cores).

A sensor publishes numbered events with QoS 1 through mosquitto. A function placed on the device (\`placement: edge\`,
with \`message_id\`) takes each, and its outcome goes through the tunnel and Postgres to a CouchDB sink (the stand-in of
the tests). Meanwhile processes are killed with SIGKILL at random moments and started again, the wire between agent and
control plane is cut or goes silent, and CouchDB goes away; half of the faults come while the one before is still being
recovered from. In the end every event that the broker had acknowledged to the sensor must be in the sink exactly once.

| | |
| --- | --- |
| kills | ${kills}, in ${result.seconds.toFixed(0)} s |
| events published | ${result.published} |
| acknowledged by the broker | ${result.acknowledged} |
| in the sink | ${result.arrived} |
| **lost** | **${result.lost.length}** |
| acknowledged less than 100 ms before the broker was killed, and gone with it | ${result.lostByBroker.length} |
| **in the sink more than once** | **${result.duplicated.length}** |
| sent to the sink, repeats among them | ${result.sent} |
| from the last fault until everything had arrived | ${(result.settledMs / 1_000).toFixed(1)} s |

## What happened at each kind of fault

The time is from the fault until the next event arrived in the sink, where the next fault waited for that: restarting
the process is in it.

| fault | times | looked at | median | longest |
| --- | --- | --- | --- | --- |
${faults.map(rowOf).join('\n')}
`;
}

function rowOf({ name, times, recoveryMs }: TortureResult['faults'][number]): string {
  const sorted = [...recoveryMs].sort((a, b) => a - b);
  const text = (ms: number | undefined) => (ms === undefined ? '-' : `${(ms / 1_000).toFixed(2)} s`);
  const median = text(sorted[Math.floor(sorted.length / 2)]);
  return `| ${name} | ${times} | ${sorted.length} | ${median} | ${text(sorted.at(-1))} |`;
}
