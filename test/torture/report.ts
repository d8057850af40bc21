/** The outcome of a run as a page: docs/TORTURE.md. */
import { cpus } from 'node:os';
import { brokerWindowMs } from './blame.ts';
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

One loss is not ours: mosquitto acknowledges an event and then writes it down, and loses it when it is killed in
between. So a witness reads along between broker and agent. An event counts as lost by the broker only when the broker
was killed less than ${brokerWindowMs} ms after it had acknowledged it, the agent never acknowledged it to the broker, and the broker,
started again, never offered it to the agent. Every other loss is ours, and the run fails.

| | |
| --- | --- |
| kills | ${kills}, in ${result.seconds.toFixed(0)} s |
| events published | ${result.published} |
| acknowledged by the broker | ${result.acknowledged} |
| in the sink | ${result.arrived} |
| acknowledged by the agent, as the witness heard it | ${result.answered} |
| **lost by us** | **${result.lost.length}** |
| lost by the broker, as the witness knows it | ${result.lostByBroker.length} |
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
