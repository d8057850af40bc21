/**
 * Limits the bytes of uploads that are in memory at once. An upload takes its share before its body is read, and
 * returns it once it is stored or refused. Without a share left, the client must try again later, and nothing of its
 * body is kept.
 */
import { SkerryError } from '@skerry/shared/errors.ts';

type UploadBudget = {
  /**
   * Takes a share; the returned function returns it, once.
   * @param declared bytes that the request declares; absent: counts as the largest upload
   * @throws SkerryError prepare_busy
   */
  take(declared: number | undefined): () => void;
};

/** @param largest bytes of one upload at most @param atOnce how many of the largest fit */
export function createUploadBudget(largest: number, atOnce: number): UploadBudget {
  let left = largest * atOnce;
  return {
    take(declared = largest) {
      // A body over the limit is refused when it is read, and nothing of it is kept.
      const share = Math.min(declared, largest);
      if (share > left) throw new SkerryError('prepare_busy', 'Too many uploads are under way; try again shortly');
      left -= share;
      return () => {
        left += share;
      };
    },
  };
}
