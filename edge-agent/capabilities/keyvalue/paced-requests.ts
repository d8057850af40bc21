/**
 * Key-value requests at the rate that their function may have, and only while the device holds the function: otherwise
 * the last call of a function would leave values behind.
 *
 * Invariant: a request that waited is checked again before it is executed.
 */
import type { CapabilityReply, KeyvalueRequest } from '../../runner/protocol/capability-requests.ts';
import { answerKeyvalue } from './execute.ts';
import type { KeyvalueStore } from './store.ts';
import type { WriteRate } from './write-rate.ts';

type PacedKeyvalue = {
  /**
   * Never rejects: a failure is `reply.error`. The request has been validated.
   * @param isWanted false when the call has ended
   */
  answer(
    owner: { readonly function: string; readonly limitBytes: number },
    ask: KeyvalueRequest,
    bytes: Uint8Array,
    isWanted: () => boolean,
  ): Promise<{ reply: CapabilityReply; bytes: Uint8Array }>;
};

/** @param isActive true while the device holds the function */
export function createPacedKeyvalue(
  store: KeyvalueStore,
  rate: WriteRate,
  isActive: (functionId: string) => boolean,
): PacedKeyvalue {
  return {
    async answer(owner, ask, bytes, isWanted) {
      const isLive = () => isWanted() && isActive(owner.function);
      // Without a share there is nothing to wait for: the store refuses the write.
      if (isWriting(ask) && owner.limitBytes > 0) {
        const turn = await rate.turn({ ...owner, bytes: bytes.byteLength, isWanted: isLive });
        if (turn === 'busy') return refuse('too many writes wait for their turn');
      }
      return isLive() ? answerKeyvalue(store, owner, ask, bytes) : refuse('access-denied');
    },
  };
}

function isWriting({ op }: KeyvalueRequest): boolean {
  return op === 'set' || op === 'delete' || op === 'increment' || op === 'swap';
}

const refuse = (error: string) => ({ reply: { error }, bytes: new Uint8Array(0) });
