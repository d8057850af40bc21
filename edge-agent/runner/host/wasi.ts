/**
 * What one instance sees of the world: the interfaces of shared/wit/provided.ts and nothing behind them but what is
 * given here. No directories, no sockets, no outgoing HTTP: a guest that tries gets an error value, not a trap.
 *
 * Built on the web build of preview2-shim, which grants nothing by itself and has no threads of its own.
 */
import { createCli } from '@bytecodealliance/preview2-shim/cli';
import { monotonicClock, wallClock } from '@bytecodealliance/preview2-shim/clocks';
import { types as filesystemTypes } from '@bytecodealliance/preview2-shim/filesystem';
import { types as httpTypes } from '@bytecodealliance/preview2-shim/http';
import { error, poll, streams } from '@bytecodealliance/preview2-shim/io';
import * as sockets from '@bytecodealliance/preview2-shim/sockets';
import { insecure, insecureSeed, random } from './random.ts';
import { createOutput, createStdin, createTail } from './streams.ts';

export type Wasi = {
  /** By interface name without version, as the glue asks for them. */
  readonly imports: Record<string, unknown>;
  /** What was written to stdout. */
  output(): Uint8Array;
  /** The last 64 KiB of stderr, as text. */
  complaints(): string;
};

export type WasiOptions = {
  readonly env: Record<string, string>;
  /** Arguments after the program's name. */
  readonly args: readonly string[];
  readonly stdin: Uint8Array;
  /** Bytes of stdout; more ends the invocation with `OutputTooLarge`. */
  readonly outputBytes: number;
};

/** A program sees this as its own name; there is no file behind it. */
const programName = 'function';

const everywhere: Record<string, unknown> = {
  'wasi:clocks/monotonic-clock': monotonicClock,
  'wasi:clocks/wall-clock': wallClock,
  'wasi:filesystem/preopens': { getDirectories: () => [] },
  'wasi:filesystem/types': filesystemTypes,
  'wasi:http/outgoing-handler': {
    handle(): never {
      throw { tag: 'HTTP-request-denied' };
    },
  },
  'wasi:http/types': httpTypes,
  'wasi:io/error': error,
  'wasi:io/poll': poll,
  'wasi:io/streams': streams,
  'wasi:random/insecure': insecure,
  'wasi:random/insecure-seed': insecureSeed,
  'wasi:random/random': random,
  'wasi:sockets/instance-network': sockets.instanceNetwork,
  'wasi:sockets/ip-name-lookup': sockets.ipNameLookup,
  'wasi:sockets/network': sockets.network,
  'wasi:sockets/tcp': sockets.tcp,
  'wasi:sockets/tcp-create-socket': sockets.tcpCreateSocket,
  'wasi:sockets/udp': sockets.udp,
  'wasi:sockets/udp-create-socket': sockets.udpCreateSocket,
};

export function createWasi({ env, args, stdin, outputBytes }: WasiOptions): Wasi {
  const output = createOutput(outputBytes);
  const tail = createTail();
  const cli = createCli({
    environment: env,
    arguments: [programName, ...args],
    stdin: createStdin(stdin),
    stdout: output.adapter,
    stderr: tail.adapter,
  });
  return {
    imports: {
      ...everywhere,
      'wasi:cli/environment': cli.environment,
      'wasi:cli/exit': cli.exit,
      'wasi:cli/stderr': cli.stderr,
      'wasi:cli/stdin': cli.stdin,
      'wasi:cli/stdout': cli.stdout,
      'wasi:cli/terminal-input': cli.terminalInput,
      'wasi:cli/terminal-output': cli.terminalOutput,
      'wasi:cli/terminal-stderr': cli.terminalStderr,
      'wasi:cli/terminal-stdin': cli.terminalStdin,
      'wasi:cli/terminal-stdout': cli.terminalStdout,
    },
    output: output.bytes,
    complaints: tail.text,
  };
}
