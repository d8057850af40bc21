/**
 * A file as a stream. Files never wait: a read returns the bytes that are there, or the end. The failure of a stream
 * has the name of its error-code as its message, so that `filesystem-error-code` finds it (WIT: the error of a failed
 * stream is passed to that function).
 */
import type { InputSource, OutputTarget } from '../io/streams.ts';
import { errorCodes, type FileErrorCode } from './error-code.ts';
import type { FileNode } from './node.ts';

/** Bytes of one write. */
const roomBytes = 65_536;

const atOnce = () => Promise.resolve();

/** From the offset to the end of the file at that time. */
export function fileSource(node: FileNode, offset: number): InputSource {
  let at = offset;
  let ended = false;
  let failure: Error | undefined;
  return {
    take(length) {
      if (ended || failure || length <= 0) return undefined;
      try {
        const bytes = node.read(at, length);
        at += bytes.byteLength;
        if (bytes.byteLength > 0) return bytes;
        ended = true;
      } catch (error) {
        failure = failureOf(error);
      }
      return undefined;
    },
    get ended() {
      return ended;
    },
    get failure() {
      return failure;
    },
    ready: atOnce,
    drop() {
      ended = true;
    },
  };
}

/** @param offset undefined: each write goes to the end of the file */
export function fileTarget(node: FileNode, offset: number | undefined): OutputTarget {
  let at = offset;
  let failure: Error | undefined;
  return {
    room: roomBytes,
    get failure() {
      return failure;
    },
    write(bytes) {
      if (failure) return;
      try {
        const written = node.write(at, bytes);
        if (at !== undefined) at += written;
      } catch (error) {
        failure = failureOf(error);
      }
    },
    ready: atOnce,
  };
}

/** The code in the failure of a file's stream, from the message of the guest's `error`. */
export function codeOfFailure(message: string): FileErrorCode | undefined {
  return errorCodes.find((code) => code === message);
}

/** Other failures (the agent is gone, the call was ended) are not for the guest to handle. */
function failureOf(error: unknown): Error {
  if (typeof error !== 'string') throw error;
  return new Error(error);
}
