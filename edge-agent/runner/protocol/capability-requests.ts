/**
 * A function's requests for capabilities, which reach beyond its own memory. The runner's process has no right to
 * perform any of them. It sends them to the agent, which checks the grants of the function's revision, and performs or
 * refuses the request.
 *
 * A request is JSON followed by bytes, and so is the reply. Replies never throw: `error` is a code of the interface
 * that the guest called (wasi:filesystem's error-code, wasi:http's, ...), and the host passes it to the guest as a
 * value.
 */
import type { RequestHead } from '@skerry/shared/http/http.ts';

/** Kind and times of a file, in the terms of wasi:filesystem; times in nanoseconds since the epoch, as decimals. */
export type FileStat = {
  readonly type: 'regular-file' | 'directory' | 'symbolic-link' | 'unknown';
  readonly size: number;
  readonly links: number;
  readonly accessed: string;
  readonly modified: string;
  readonly changed: string;
};

/**
 * One operation in a granted directory. `grant` is the index in the manifest's list. `path` has the names below the
 * directory, from the outermost; no name is empty, `.` or `..`, or has a slash or a NUL. The agent checks that again.
 */
export type DirectoryRequest = {
  readonly do: 'directory';
  readonly grant: number;
  readonly path: readonly string[];
} & (
  | { readonly op: 'stat' | 'list' | 'make' | 'remove-directory' | 'remove-file' | 'sync' }
  | { readonly op: 'read'; readonly offset: number; readonly length: number }
  /** Bytes follow. `offset: null` appends. */
  | { readonly op: 'write'; readonly offset: number | null }
  | { readonly op: 'truncate'; readonly size: number }
  /** Makes a missing file (`create`), fails for an existing one (`exclusive`), empties it (`truncate`). */
  | { readonly op: 'open'; readonly create: boolean; readonly exclusive: boolean; readonly truncate: boolean }
  /** Within the same grant. */
  | { readonly op: 'rename'; readonly to: readonly string[] }
  | { readonly op: 'times'; readonly accessed: string | null; readonly modified: string | null }
);

/**
 * wasi:keyvalue/store. The reply's `value`: for `get`, `exists` and `swap` whether the key was there and the operation
 * was performed; for `keys` a KeyPage. Buckets are namespaces within the function's own store.
 */
export type KeyvalueRequest = { readonly do: 'keyvalue'; readonly bucket: string } & (
  | { readonly op: 'get' | 'delete' | 'exists'; readonly key: string }
  /** Bytes follow. */
  | { readonly op: 'set'; readonly key: string }
  | { readonly op: 'keys'; readonly after: string | null }
  /**
   * wasi:keyvalue/atomics. Bytes follow. They are stored only if the value still has this SHA-256, or is still missing.
   */
  | { readonly op: 'swap'; readonly key: string; readonly seen: string | null }
  /** wasi:keyvalue/atomics. `delta` as a decimal; the reply's `value` is the sum. */
  | { readonly op: 'increment'; readonly key: string; readonly delta: string }
);

/** Begins an outgoing request. Its body follows in parts on the request's stream, and so does the answer's body. */
export type FetchRequest = {
  readonly do: 'fetch';
  readonly head: RequestHead;
  /** In milliseconds, as in wasi:http's request-options; 0: no limit but the call's deadline. */
  readonly connectTimeoutMs: number;
  readonly firstByteTimeoutMs: number;
  readonly betweenBytesTimeoutMs: number;
};

export type CapabilityRequest = DirectoryRequest | KeyvalueRequest | FetchRequest;

/** `value` is the operation's result: a FileStat, names, a ResponseHead, ... Bytes follow where the result has some. */
export type CapabilityReply = { readonly value?: unknown; readonly error?: string };

/** The value of a reply to `list`. */
export type DirectoryEntry = { readonly name: string; readonly type: FileStat['type'] };

/** The value of the reply to `keys`. `more`: request the next page, after the last key. */
export type KeyPage = { readonly keys: readonly string[]; readonly more: boolean };
