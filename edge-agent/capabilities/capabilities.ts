/**
 * Does for functions what their runner's process may not: files of granted directories, kept values, outgoing requests.
 * An ask says what; what the function's revision was granted decides.
 *
 * Invariants: nothing is done for an ask that is not whole, or not granted; at most `allAsks` of files are under way at a time; a
 * function has at most `functionRequests` outgoing requests at a time, all of them at most `allRequests`.
 */

import type { Granted } from '../runner/calls/call.ts';
import type { CapabilityFetch, CapabilityHandler } from '../runner/calls/call-capabilities.ts';
import type { Reply } from '../runner/protocol/capability-requests.ts';
import { createDirectories } from './files/directories.ts';
import { createDiskReserve, type DiskReserve } from './files/disk-reserve.ts';
import { type Connect, createConnect } from './http/connect.ts';
import { openOutbound } from './http/outbound.ts';
import { type Resolve, systemResolve } from './http/resolve.ts';
import { createPacedKeyvalue } from './keyvalue/paced-requests.ts';
import type { KeyvalueStore } from './keyvalue/store.ts';
import { createWriteRate, type WriteRate } from './keyvalue/write-rate.ts';
import { parseCapabilityRequest } from './request-schema.ts';

/** Each of the runner's threads asks for one thing at a time; more come only from a process that is not ours any more. */
const allAsks = 256;
/** Outgoing requests at one time: as many as may wait for one (a thousand), and not so many that sockets run out. */
const functionRequests = 1_024;
const allRequests = 2_048;

export type CapabilityHost = CapabilityHandler & {
  /** What the function has kept goes with it. */
  forget(functionId: string): void;
};

export type CapabilityHostOptions = {
  /** Directories that the device offers: absolute paths. A function gets at most what is in them. */
  readonly offered: readonly string[];
  readonly keyvalue: KeyvalueStore;
  /** Pace of what is kept; as createWriteRate has it when absent. */
  readonly writeRate?: WriteRate;
  /** What is left of the disks; as createDiskReserve has it when absent. */
  readonly diskReserve?: DiskReserve;
  /** True while the device holds the function: only then anything is kept for it. Absent: it always does. */
  readonly isActive?: (functionId: string) => boolean;
  readonly resolve?: Resolve;
  readonly connect?: Connect;
};

const nothing = new Uint8Array(0);

export function createCapabilityHost(options: CapabilityHostOptions): CapabilityHost {
  const { offered, keyvalue, resolve = systemResolve, connect = createConnect() } = options;
  const { writeRate = createWriteRate(), diskReserve = createDiskReserve(), isActive = () => true } = options;
  const directories = createDirectories(offered, diskReserve);
  const turns = createPacedKeyvalue(keyvalue, writeRate, isActive);
  /** Outgoing requests under way, by function. */
  const requests = new Map<string, number>();
  let total = 0;
  let asks = 0;

  const count = (functionId: string, change: 1 | -1) => {
    const now = (requests.get(functionId) ?? 0) + change;
    total += change;
    if (now > 0) requests.set(functionId, now);
    else requests.delete(functionId);
  };

  return {
    async answer({ function: functionId, grants }: Granted, ask, bytes, isWanted = () => true) {
      const known = parseCapabilityRequest(ask);
      const refuse = (error: string): { reply: Reply; bytes: Uint8Array } => ({ reply: { error }, bytes: nothing });
      switch (known?.do) {
        case 'directory':
          if (asks >= allAsks) return refuse('busy');
          asks += 1;
          return directories.answer(grants.directories, known, bytes).finally(() => {
            asks -= 1;
          });
        case 'keyvalue':
          return turns.answer({ function: functionId, limitBytes: grants.keyvalue_bytes }, known, bytes, isWanted);
        default:
          return refuse('invalid');
      }
    },

    fetch({ function: functionId, grants }, ask, events): CapabilityFetch {
      const known = parseCapabilityRequest(ask);
      if (known?.do !== 'fetch') return refused('HTTP-request-URI-invalid', events.onError);
      if (total >= allRequests || (requests.get(functionId) ?? 0) >= functionRequests) {
        return refused('connection-limit-reached', events.onError);
      }
      count(functionId, 1);
      return openOutbound({ resolve, connect }, grants, known, events, () => count(functionId, -1));
    },

    forget(functionId) {
      writeRate.forget(functionId);
      keyvalue.forget(functionId);
    },
  };
}

/** A request that is not made; told in the next turn, like every other failure. */
function refused(error: string, onError: (error: string) => void): CapabilityFetch {
  let aborted = false;
  queueMicrotask(() => {
    if (!aborted) onError(error);
  });
  return {
    write() {},
    end() {},
    credit() {},
    abort() {
      aborted = true;
    },
  };
}
