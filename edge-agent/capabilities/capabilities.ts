/**
 * Performs requests of functions that their runner's process may not perform itself: files of granted directories, the
 * key-value store, outgoing HTTP. The grants of the function's revision decide.
 *
 * Invariants: a request is performed only if it is valid and granted. At most `allAsks` requests for files are in
 * progress at once. A function has at most `functionRequests` outgoing HTTP requests at once, and all functions
 * together at most `allRequests`.
 */

import type { Granted } from '../runner/calls/call.ts';
import type { CapabilityFetch, CapabilityHandler } from '../runner/calls/call-capabilities.ts';
import type { CapabilityReply } from '../runner/protocol/capability-requests.ts';
import { createDirectories } from './files/directories.ts';
import { createDiskReserve, type DiskReserve } from './files/disk-reserve.ts';
import { type Connect, createConnect } from './http/connect.ts';
import { openOutbound } from './http/outbound.ts';
import { type Resolve, systemResolve } from './http/resolve.ts';
import { createPacedKeyvalue } from './keyvalue/paced-requests.ts';
import type { KeyvalueStore } from './keyvalue/store.ts';
import { createWriteRate, type WriteRate } from './keyvalue/write-rate.ts';
import { parseCapabilityRequest } from './request-schema.ts';

/** Each thread of the runner sends one request at a time; a process that sends more is compromised. */
const allAsks = 256;
/**
 * Outgoing HTTP requests at once: all calls that may wait for one (a thousand), and not enough to use up the sockets.
 */
const functionRequests = 1_024;
const allRequests = 2_048;

export type CapabilityHost = CapabilityHandler & {
  /** Drops the function's stored values. */
  forget(functionId: string): void;
};

export type CapabilityHostOptions = {
  /** Directories that the device offers: absolute paths. A function gets at most their contents. */
  readonly offered: readonly string[];
  readonly keyvalue: KeyvalueStore;
  /** Rate of writes to the store; createWriteRate's default when absent. */
  readonly writeRate?: WriteRate;
  /** Reserve of the disks; createDiskReserve's default when absent. */
  readonly diskReserve?: DiskReserve;
  /** True while the device holds the function: values are stored only then. Absent: always. */
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
  /** Outgoing HTTP requests in progress, by function. */
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
      const refuse = (error: string): { reply: CapabilityReply; bytes: Uint8Array } => ({
        reply: { error },
        bytes: nothing,
      });
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

/** A request that is not made; reported in the next turn, like every other failure. */
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
