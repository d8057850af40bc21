/**
 * The standard streams of one instance, in memory, each with a bound. A command reads its input from stdin, and its
 * output is its stdout. In the other worlds stdin is empty, and stdout goes to the log like stderr.
 */
import type { LogSource } from '../../protocol/channel.ts';
import { both, bytesSource, createCollector, createLines, createTail } from '../io/sources.ts';
import { InputStream, OutputStream, type OutputTarget } from '../io/streams.ts';

const nothing = new Uint8Array(0);

/** Streams in memory never wait. */
const never = AbortSignal.any([]);

/** A guest may request a stream more than once, and drop each. */
const streamOf = (target: OutputTarget): OutputStream => OutputStream.of(target, never);

/** @param log takes whole lines */
export function createStdio(isCommand: boolean, log: (source: LogSource, text: string) => void) {
  const tail = createTail();
  const errorLines = createLines((text) => log('stderr', text));
  const outLines = createLines((text) => log('stdout', text));
  const stderr = both(tail.target, errorLines.target);
  let input = bytesSource(nothing);
  let output = createCollector(0);
  return {
    imports: {
      'wasi:cli/stdin': { getStdin: () => InputStream.of(input, never) },
      'wasi:cli/stdout': { getStdout: () => streamOf(isCommand ? output.target : outLines.target) },
      'wasi:cli/stderr': { getStderr: () => streamOf(stderr) },
    },
    /** Begins a call. A command that writes more than `outputBytes` is ended. */
    begin(stdin: Uint8Array, outputBytes: number): void {
      tail.clear();
      if (!isCommand) return;
      input = bytesSource(stdin);
      output = createCollector(outputBytes);
    },
    /** Logs the rest, which is no whole line yet, as one line. */
    end(): void {
      errorLines.end();
      outLines.end();
    },
    /** @throws OutputTooLarge when the guest wrote more than its limit */
    output(): Uint8Array {
      if (output.exceeded) throw output.exceeded;
      return output.bytes();
    },
    complaints: tail.text,
  };
}
