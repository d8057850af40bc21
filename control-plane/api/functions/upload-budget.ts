/**
 * How many bytes of uploads may be in memory at one time. An upload takes its share before its body is read and gives
 * it back once it is stored or refused; when there is none left, the client is told to come again, and nothing of its
 * body is kept.
 */
import { SkerryError } from '@skerry/shared/errors.ts';

export type UploadBudget = {
  /**
   * Takes a share; the returned function gives it back, once.
   * @param declared bytes as the request says; absent: as many as an upload may have
   * @throws SkerryError prepare_busy
   */
  take(declared: number | undefined): () => void;
};

/** @param largest bytes that one upload may have @param atOnce how many of the largest fit */
export function createUploadBudget(largest: number, atOnce: number): UploadBudget {
  let left = largest * atOnce;
  return {
    take(declared = largest) {
      // More than the largest is refused when its body is read, and nothing of it is kept.
      const share = Math.min(declared, largest);
      if (share > left) throw new SkerryError('prepare_busy', 'Too many uploads are under way; try again shortly');
      left -= share;
      return () => {
        left += share;
      };
    },
  };
}
