import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRunnerGroup } from './cgroup.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-cgroup-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A tree of ordinary files in the form that the kernel shows. */
function root(self: string, group: string) {
  writeFileSync(join(folder, 'self'), self);
  mkdirSync(join(folder, 'groups', group), { recursive: true });
  return { groups: join(folder, 'groups'), self: join(folder, 'self'), pid: 42 };
}
const read = (...path: string[]) => readFileSync(join(folder, 'groups', ...path), 'utf8');

test('cgroup v2: the agent moves into a leaf, the runner gets one with a limit', () => {
  const group = createRunnerGroup(1_000_000, root('0::/system.slice/skerry.service\n', 'system.slice/skerry.service'));
  if (typeof group === 'string') throw new Error(group);
  group.add(43);
  const own = 'system.slice/skerry.service';
  expect(group.kind).toBe('cgroup2');
  expect(read(own, 'cgroup.subtree_control')).toBe('+memory');
  expect(read(own, 'skerry-agent', 'cgroup.procs')).toBe('42');
  expect(read(own, 'skerry-runner', 'memory.max')).toBe('1000000');
  expect(read(own, 'skerry-runner', 'cgroup.procs')).toBe('43');
});

test('cgroup v1: the memory controller is used', () => {
  const group = createRunnerGroup(1_000_000, root('4:memory:/box\n1:cpu:/\n0::/\n', 'memory/box'));
  if (typeof group === 'string') throw new Error(group);
  group.add(43);
  expect(group.kind).toBe('cgroup1');
  expect(read('memory/box/skerry-runner', 'memory.limit_in_bytes')).toBe('1000000');
  expect(read('memory/box/skerry-runner', 'cgroup.procs')).toBe('43');
});

test('swap is limited as well, where the kernel counts it', () => {
  const own = root('0::/box\n', 'box');
  mkdirSync(join(folder, 'groups/box/skerry-runner'));
  writeFileSync(join(folder, 'groups/box/skerry-runner/memory.swap.max'), 'max');
  expect(createRunnerGroup(1_000_000, own)).toMatchObject({ kind: 'cgroup2' });
  expect(read('box/skerry-runner/memory.swap.max')).toBe('0');

  const older = root('4:memory:/old\n', 'memory/old/skerry-runner');
  writeFileSync(join(folder, 'groups/memory/old/skerry-runner/memory.memsw.limit_in_bytes'), '-1');
  expect(createRunnerGroup(1_000_000, older)).toMatchObject({ kind: 'cgroup1' });
  expect(read('memory/old/skerry-runner/memory.memsw.limit_in_bytes')).toBe('1000000');
});

test('cgroup v2: an agent without a group for its runner moves back', () => {
  const own = root('0::/box\n', 'box');
  mkdirSync(join(folder, 'groups/box/cgroup.subtree_control'));
  expect(createRunnerGroup(1_000_000, own)).toContain('EISDIR');
  expect(read('box/skerry-agent/cgroup.procs')).toBe('42');
  expect(read('box/cgroup.procs')).toBe('42');
});

test('without control groups, the reason is returned', () => {
  expect(createRunnerGroup(1, root('1:cpu:/\n', 'cpu'))).toBe('this system has no control groups');
  expect(createRunnerGroup(1, { groups: folder, self: join(folder, 'nothing'), pid: 1 })).toContain('ENOENT');
});
