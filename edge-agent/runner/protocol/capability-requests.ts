/**
 * What a function asks of the world beyond its own memory. The runner's process has no right to do any of it: it asks
 * the agent, which looks up what the function's revision was granted, and does it or refuses.
 *
 * An ask is JSON with bytes behind it, and so is the reply. Replies never throw: `error` is a code of the interface
 * that the guest called (wasi:filesystem's error-code, wasi:http's, ...), which the host hands to the guest as a value.
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
 * One operation in a granted directory. `grant` is its place in the manifest's list, `path` the names below it, from
 * the outside in; no name is empty, `.` or `..`, has a slash or a NUL. The agent checks that again.
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
  /** Makes the file if it is not there (`create`), fails if it is (`exclusive`), empties it (`truncate`). */
  | { readonly op: 'open'; readonly create: boolean; readonly exclusive: boolean; readonly truncate: boolean }
  /** Within the same grant. */
  | { readonly op: 'rename'; readonly to: readonly string[] }
  | { readonly op: 'times'; readonly accessed: string | null; readonly modified: string | null }
);

/**
 * wasi:keyvalue/store. The reply's `value` is, to `get`, `exists` and `swap`, whether there was something and it was
 * done; to `keys`, a KeyPage.
 * Buckets are namespaces within the function's own share.
 */
export type KeyvalueRequest = { readonly do: 'keyvalue'; readonly bucket: string } & (
  | { readonly op: 'get' | 'delete' | 'exists'; readonly key: string }
  /** Bytes follow. */
  | { readonly op: 'set'; readonly key: string }
  | { readonly op: 'keys'; readonly after: string | null }
  /** wasi:keyvalue/atomics. Bytes follow, and are kept only if the value still has this SHA-256, or still is not there. */
  | { readonly op: 'swap'; readonly key: string; readonly seen: string | null }
  /** wasi:keyvalue/atomics. `delta` as a decimal; the reply's `value` is the sum. */
  | { readonly op: 'increment'; readonly key: string; readonly delta: string }
);

/** Begins an outgoing request; its body follows in parts on the ask's stream, and so does the answer's. */
export type FetchRequest = {
  readonly do: 'fetch';
  readonly head: RequestHead;
  /** In milliseconds, as wasi:http's request-options have them; 0: none but the call's own deadline. */
  readonly connectTimeoutMs: number;
  readonly firstByteTimeoutMs: number;
  readonly betweenBytesTimeoutMs: number;
};

export type CapabilityRequest = DirectoryRequest | KeyvalueRequest | FetchRequest;

/** `value` is what the operation gives: a FileStat, names, a ResponseHead, ... Bytes, where there are any, follow. */
export type Reply = { readonly value?: unknown; readonly error?: string };

/** The value of a reply to `list`. */
export type DirectoryEntry = { readonly name: string; readonly type: FileStat['type'] };

/** The value of the reply to `keys`. `more`: ask again, after the last one. */
export type KeyPage = { readonly keys: readonly string[]; readonly more: boolean };
