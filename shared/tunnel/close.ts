/**
 * Close codes of the tunnel, each with the agent's next action. A code has one meaning.
 *
 * - `again`: reconnect with back-off.
 * - `wait`: reconnect with back-off, but not before `atLeastMs`.
 * - `stop`: do not reconnect. A human must act: the agent logs that and exits with `stopExitCode`.
 */

type AfterClose =
  | { readonly next: 'again' }
  | { readonly next: 'wait'; readonly atLeastMs: number }
  | { readonly next: 'stop' };

type CloseKind = { readonly code: number; readonly after: AfterClose; readonly meaning: string };

export const closeKinds = {
  going_away: { code: 1001, after: { next: 'again' }, meaning: 'the other side is shutting down' },
  bad_frame: { code: 4000, after: { next: 'wait', atLeastMs: 5_000 }, meaning: 'a frame does not parse' },
  frame_too_large: { code: 1009, after: { next: 'wait', atLeastMs: 5_000 }, meaning: 'a frame is over the limit' },
  handshake_timeout: { code: 4001, after: { next: 'again' }, meaning: 'the handshake was not finished in time' },
  bad_signature: { code: 4002, after: { next: 'stop' }, meaning: 'the signature does not fit the key, nonce and host' },
  join_refused: {
    code: 4003,
    after: { next: 'stop' },
    meaning: 'the join token is unknown, used up, expired or revoked',
  },
  revoked: { code: 4004, after: { next: 'stop' }, meaning: 'this agent was revoked' },
  superseded: { code: 4005, after: { next: 'stop' }, meaning: 'another process opened a tunnel with the same key' },
  version_unsupported: {
    code: 4006,
    after: { next: 'wait', atLeastMs: 600_000 },
    meaning: 'no protocol version in common; update the agent',
  },
  dead_peer: { code: 4007, after: { next: 'again' }, meaning: 'no sign of life for too long' },
  overloaded: { code: 4008, after: { next: 'wait', atLeastMs: 10_000 }, meaning: 'too many agents at once' },
  name_taken: { code: 4009, after: { next: 'stop' }, meaning: 'another agent has this name' },
  internal: { code: 1011, after: { next: 'again' }, meaning: 'a fault on the other side' },
} as const satisfies Record<string, CloseKind>;

export type CloseName = keyof typeof closeKinds;

/** Exit code of an agent after `stop`. A supervisor must not restart the agent on it (EX_NOPERM of sysexits.h). */
export const stopExitCode = 77;

const byCode = new Map<number, CloseName>(
  Object.entries(closeKinds).map(([name, kind]) => [kind.code, name as CloseName]),
);

/** @returns the name of a close code, or undefined for codes that Skerry does not define (such as 1006) */
export function closeName(code: number): CloseName | undefined {
  return byCode.get(code);
}

/** @returns the agent's next action after its tunnel was closed with this code. Unknown codes mean `again` */
export function afterClose(code: number): AfterClose {
  const name = closeName(code);
  return name ? closeKinds[name].after : { next: 'again' };
}

/** Cuts a reason to the 123 bytes of UTF-8 that a close frame can carry (RFC 6455, section 5.5). */
export function closeReason(message: string): string {
  let reason = message;
  while (Buffer.byteLength(reason) > 123) reason = reason.slice(0, -1);
  return reason;
}
