/** Resident memory of our processes, as the kernel counts it. */
import { findChildren, statusField } from '../harness/process.ts';

export type Resident = { readonly agent: number; readonly runner: number; readonly controlPlane: number };

/** Bytes of each. The runner is the agent's only child, and 0 while there is none. */
export function residentMemory(pids: { agent: number; controlPlane: number }): Resident {
  const bytes = (pid: number) => statusField(pid, 'VmRSS') * 1024;
  return {
    agent: bytes(pids.agent),
    controlPlane: bytes(pids.controlPlane),
    runner: findChildren(pids.agent).reduce((sum, pid) => sum + bytes(pid), 0),
  };
}
