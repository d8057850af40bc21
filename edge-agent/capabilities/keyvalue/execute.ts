/** Executes a key-value request in the store. A refusal has a name (wasi:keyvalue/store, `error`). */
import type { CapabilityReply, KeyvalueRequest } from '../../runner/protocol/capability-requests.ts';
import { type KeyvalueOwner, KeyvalueRefused, type KeyvalueStore } from './store.ts';

const nothing = new Uint8Array(0);

/** Never throws: a failure is `reply.error`. The request has been validated. */
export function answerKeyvalue(
  store: KeyvalueStore,
  owner: Omit<KeyvalueOwner, 'bucket'>,
  ask: KeyvalueRequest,
  bytes: Uint8Array,
): { reply: CapabilityReply; bytes: Uint8Array } {
  try {
    return perform(store, { ...owner, bucket: ask.bucket }, ask, bytes);
  } catch (error) {
    return { reply: { error: error instanceof KeyvalueRefused ? error.code : 'the store failed' }, bytes: nothing };
  }
}

function perform(store: KeyvalueStore, share: KeyvalueOwner, ask: KeyvalueRequest, bytes: Uint8Array) {
  const reply = (value?: unknown) => ({ reply: { value }, bytes: nothing });
  switch (ask.op) {
    case 'get': {
      const found = store.get(share, ask.key);
      return { reply: { value: found !== undefined }, bytes: found ?? nothing };
    }
    case 'exists':
      return reply(store.exists(share, ask.key));
    case 'set':
      return reply(store.set(share, ask.key, bytes));
    case 'delete':
      return reply(store.delete(share, ask.key));
    case 'keys':
      return reply(store.keys(share, ask.after));
    case 'increment':
      return reply(store.increment(share, ask.key, ask.delta));
    case 'swap':
      return reply(store.swap(share, ask.key, ask.seen, bytes));
  }
}
