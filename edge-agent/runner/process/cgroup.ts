/**
 * A memory limit from the operating system for the runner's process, where the system has one: a control group below
 * the agent's (cgroup v2, or the memory controller of v1). Under systemd this needs `Delegate=memory`.
 *
 * cgroup v2 allows processes only in leaves (Documentation/admin-guide/cgroup-v2.rst, "No Internal Process
 * Constraint"). So the agent moves itself into a leaf as well, and back when a later step fails.
 *
 * The memory limits of both versions exclude swap, so swap has a limit of its own, where the kernel counts it: version
 * 2 allows no swap, and in version 1 memory and swap together have the limit (cgroup-v1/memory.rst, "memsw").
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type RunnerGroup = {
  /** `cgroup2` or `cgroup1`. */
  readonly kind: 'cgroup2' | 'cgroup1';
  /** Puts a process under the limit. @throws when the operating system refuses */
  add(pid: number): void;
};

const agentLeaf = 'skerry-agent';
const runnerLeaf = 'skerry-runner';

/**
 * @param limitBytes memory of the runner's process, caches and swap included
 * @param root of the control groups; another folder in tests
 * @returns the group, or the reason why there is none, as a text for the log
 */
export function createRunnerGroup(
  limitBytes: number,
  root: { groups: string; self: string; pid: number } = {
    groups: '/sys/fs/cgroup',
    self: '/proc/self/cgroup',
    pid: process.pid,
  },
): RunnerGroup | string {
  try {
    const lines = readFileSync(root.self, 'utf8').trim().split('\n');
    const unified = lines.find((line) => line.startsWith('0::'))?.slice('0::'.length);
    const memory = lines.find((line) => line.split(':')[1]?.split(',').includes('memory'))?.split(':')[2];
    if (memory !== undefined) return versionOne(join(root.groups, 'memory', memory), limitBytes);
    if (unified !== undefined) return versionTwo(join(root.groups, unified), limitBytes, root.pid);
    return 'this system has no control groups';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function versionTwo(own: string, limitBytes: number, pid: number): RunnerGroup {
  const agent = join(own, agentLeaf);
  const runner = join(own, runnerLeaf);
  mkdirSync(agent, { recursive: true });
  writeFileSync(join(agent, 'cgroup.procs'), String(pid));
  try {
    writeFileSync(join(own, 'cgroup.subtree_control'), '+memory');
    mkdirSync(runner, { recursive: true });
    writeFileSync(join(runner, 'memory.max'), String(limitBytes));
    writeIfThere(join(runner, 'memory.swap.max'), '0');
  } catch (error) {
    moveBack(own, pid);
    throw error;
  }
  return { kind: 'cgroup2', add: (added) => writeFileSync(join(runner, 'cgroup.procs'), String(added)) };
}

/** The reason for the missing group matters more than a failure to move the agent back. */
function moveBack(own: string, pid: number): void {
  try {
    writeFileSync(join(own, 'cgroup.procs'), String(pid));
  } catch {
    // The leaf has no limit, so the agent can stay there.
  }
}

function versionOne(own: string, limitBytes: number): RunnerGroup {
  const runner = join(own, runnerLeaf);
  mkdirSync(runner, { recursive: true });
  // Memory and swap together may never have less than memory alone. So a lower limit of an earlier agent is removed
  // first.
  const together = join(runner, 'memory.memsw.limit_in_bytes');
  writeIfThere(together, '-1');
  writeFileSync(join(runner, 'memory.limit_in_bytes'), String(limitBytes));
  writeIfThere(together, String(limitBytes));
  return { kind: 'cgroup1', add: (added) => writeFileSync(join(runner, 'cgroup.procs'), String(added)) };
}

function writeIfThere(path: string, text: string): void {
  if (existsSync(path)) writeFileSync(path, text);
}
