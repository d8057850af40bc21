/**
 * The world of one instance: the interfaces of shared/wit/provided.ts, backed only by the objects that are passed in
 * here. Access without a grant gives an error value, not a trap.
 *
 * Resources are classes that serve all instances; the state of one instance is made here.
 *
 * Invariant: an instance has one call at a time. Requests to the outside go through the channel of that call. Without a
 * call there are none.
 */
import {
  terminalInput,
  terminalOutput,
  terminalStderr,
  terminalStdin,
  terminalStdout,
} from '@bytecodealliance/preview2-shim/cli';
import { wallClock } from '@bytecodealliance/preview2-shim/clocks';
import * as sockets from '@bytecodealliance/preview2-shim/sockets';
import type { World } from '@skerry/shared/function/bundle.ts';
import type { CallChannel } from '../../protocol/channel.ts';
import type { GuestEnvironment } from '../../protocol/wire.ts';
import { exit } from '../cli/exit.ts';
import { createFilesystem } from '../filesystem/filesystem.ts';
import { toEnvironment } from '../http/environment.ts';
import { createOutgoingHandler } from '../http/outgoing-handler.ts';
import { createTypes } from '../http/types.ts';
import { createMonotonicClock } from '../io/clocks.ts';
import { reasonOf } from '../io/gate.ts';
import { IoError } from '../io/io-error.ts';
import { poll } from '../io/pollable.ts';
import { streams } from '../io/streams.ts';
import { createConfig } from './config.ts';
import { createKeyvalue } from './keyvalue.ts';
import { createLogging } from './logging.ts';
import { insecure, insecureSeed, random } from './random.ts';
import { createStdio } from './standard-streams.ts';

export type Wasi = {
  /** By interface name without version, the form in which the glue imports them. */
  readonly imports: Record<string, unknown>;
  /** The channel of the running call. */
  readonly signal: () => AbortSignal;
  /** True when the guest has read its environment before its first call. */
  readonly readEarly: boolean;
  /**
   * Begins a call.
   *
   * @param outputBytes of standard output, for a command
   * @param onAborted the call was ended while the guest waited, and the guest has not returned one turn later
   */
  begin(channel: CallChannel, input: Uint8Array, outputBytes: number, onAborted: (reason: Error) => void): void;
  /** Drops all state that earlier calls have left here, when an instance is restored. */
  renew(): void;
  /** Ends the call: pending operations are given up, and the last line is logged. */
  end(): void;
  /** The standard output of a command in this call. @throws OutputTooLarge when it was too large */
  output(): Uint8Array;
  /** The last 64 KiB of standard error of this call, as text. */
  complaints(): string;
};

type WasiOptions = Pick<GuestEnvironment, 'env' | 'args' | 'config' | 'directories'> & { readonly world: World };

/** A program sees this as its own name; there is no file behind it. */
const programName = 'function';

/** The same for all instances. */
const everywhere: Record<string, unknown> = {
  'wasi:cli/exit': exit,
  'wasi:clocks/wall-clock': wallClock,
  'wasi:io/error': { Error: IoError },
  'wasi:io/poll': poll,
  'wasi:io/streams': streams,
  'wasi:random/insecure': insecure,
  'wasi:random/insecure-seed': insecureSeed,
  'wasi:random/random': random,
  'wasi:cli/terminal-input': terminalInput,
  'wasi:cli/terminal-output': terminalOutput,
  'wasi:cli/terminal-stderr': terminalStderr,
  'wasi:cli/terminal-stdin': terminalStdin,
  'wasi:cli/terminal-stdout': terminalStdout,
  'wasi:sockets/instance-network': sockets.instanceNetwork,
  'wasi:sockets/ip-name-lookup': sockets.ipNameLookup,
  'wasi:sockets/network': sockets.network,
  'wasi:sockets/tcp': sockets.tcp,
  'wasi:sockets/tcp-create-socket': sockets.tcpCreateSocket,
  'wasi:sockets/udp': sockets.udp,
  'wasi:sockets/udp-create-socket': sockets.udpCreateSocket,
};

export function createWasi({ env, args, config, directories, world }: WasiOptions): Wasi {
  let channel: CallChannel | undefined;
  let ofRequest: Record<string, string> = {};
  let readEarly = false;
  let watched = false;
  let aborted: ((reason: Error) => void) | undefined;
  const current = (): CallChannel => {
    if (!channel) throw new Error('no call is under way');
    return channel;
  };
  /** Read when the guest begins to wait, which most calls never do. */
  const signal = (): AbortSignal => {
    const call = current();
    if (!watched) {
      watched = true;
      const later = () => setImmediate(() => channel === call && aborted?.(reasonOf(call.signal)));
      if (call.signal.aborted) later();
      else call.signal.addEventListener('abort', later, { once: true });
    }
    return call.signal;
  };
  const stdio = createStdio(world === 'wasi:cli/run', (source, text) => channel?.log(source, text));
  const outgoing = createOutgoingHandler(current);
  const imports: Record<string, unknown> = {
    ...everywhere,
    ...stdio.imports,
    ...createFilesystem(current, directories),
    ...createKeyvalue(current),
    ...createConfig(config),
    ...createLogging(current),
    'wasi:cli/environment': {
      getEnvironment(): [string, string][] {
        readEarly ||= channel === undefined;
        return Object.entries({ ...ofRequest, ...env });
      },
      getArguments: (): string[] => [programName, ...args],
      initialCwd: () => '/',
    },
    'wasi:clocks/monotonic-clock': createMonotonicClock(signal),
    'wasi:http/outgoing-handler': outgoing.handler,
    'wasi:http/types': createTypes(signal),
  };
  return {
    imports,
    signal,
    get readEarly() {
      return readEarly;
    },
    begin(next, input, outputBytes, onAborted) {
      channel = next;
      watched = false;
      aborted = onAborted;
      if (world === 'wasi:cli/run' && next.request) ofRequest = toEnvironment(next.request, input.byteLength);
      stdio.begin(input, outputBytes);
    },
    renew() {
      ofRequest = {};
      readEarly = false;
      Object.assign(imports, createFilesystem(current, directories));
    },
    end() {
      stdio.end();
      outgoing.end();
      channel = undefined;
      aborted = undefined;
    },
    output: stdio.output,
    complaints: stdio.complaints,
  };
}
