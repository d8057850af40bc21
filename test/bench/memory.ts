/** Resident memory of our processes, as the kernel counts it. */
import { readdirSync, readFileSync } from 'node:fs';

export type Resident = { readonly agent: number; readonly runner: number; readonly controlPlane: number };

/** Bytes of each; the runner is the agent's only child, 0 while there is none. */
export function residentMemory(pids: { agent: number; controlPlane: number }): Resident {
  const runners = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => field(pid, 'PPid') === pids.agent);
  return {
    agent: field(String(pids.agent), 'VmRSS') * 1024,
    controlPlane: field(String(pids.controlPlane), 'VmRSS') * 1024,
    runner: runners.reduce((sum, pid) => sum + field(pid, 'VmRSS') * 1024, 0),
  };
}

function field(pid: string, name: string): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  } catch {
    return 0; // the process is gone
  }
}
