/** Collects the streamed answer of a wasi:http function whose caller needs all of it at once. */
import { SkerryError } from '../errors.ts';
import type { ResponseHead } from './http.ts';
import { outputTooLarge, toJsonOutput } from './http-json.ts';

export class AnswerCollector {
  readonly #limit: number;
  #head: ResponseHead | undefined;
  /** Grows by doubling, up to the limit. */
  #body = new Uint8Array(0);
  #size = 0;
  #isComplete = false;
  #isTooLarge = false;

  /** @param limit of the body, in bytes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get isTooLarge(): boolean {
    return this.#isTooLarge;
  }

  begin(head: ResponseHead): void {
    this.#head = head;
  }

  /**
   * Takes a part of the body; the bytes are copied.
   * @param isLast the body is complete with this part
   * @returns false when the body is over the limit: the part was dropped, and the caller should end the call
   */
  add(bytes: Uint8Array, isLast: boolean): boolean {
    const size = this.#size + bytes.byteLength;
    this.#isTooLarge ||= size > this.#limit;
    if (this.#isTooLarge) return false;
    if (size > this.#body.byteLength) {
      const larger = new Uint8Array(Math.min(this.#limit, Math.max(2 * this.#body.byteLength, size)));
      larger.set(this.#body.subarray(0, this.#size));
      this.#body = larger;
    }
    this.#body.set(bytes, this.#size);
    this.#size = size;
    this.#isComplete = isLast;
    return true;
  }

  /**
   * The JSON output of the collected answer, or of the given one when the answer did not stream.
   * @param incomplete the error for a body that ended early
   * @throws SkerryError function_output_too_large, function_no_answer, function_error for a status of 400 or above, or
   *   `incomplete`
   */
  toOutput(head: ResponseHead | undefined, output: Uint8Array, incomplete: SkerryError): Uint8Array {
    const answer = this.#head ?? head;
    const body = this.#head ? this.#body.subarray(0, this.#size) : output;
    if (this.#isTooLarge || body.byteLength > this.#limit) throw outputTooLarge(this.#limit);
    if (this.#head && !this.#isComplete) throw incomplete;
    if (!answer) throw new SkerryError('function_no_answer', 'the function gave no answer');
    return toJsonOutput(answer, body);
  }
}
