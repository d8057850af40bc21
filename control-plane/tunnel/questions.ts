/**
 * Questions to an agent that it answers by their number. Each has its deadline, so that nothing is kept for an agent
 * that does not answer. An answer to no question is ignored.
 */
import { SkerryError } from '@skerry/shared/errors.ts';

/** Open questions to one agent; a further one is refused with `agent_busy`. */
const maxOpen = 64;

type Questions<Answer> = {
  /** Asks, and waits for the answer. Rejects with `agent_unreachable` when none comes, or with `agent_busy`. */
  ask(send: (id: number) => void): Promise<Answer>;
  answer(id: number, answer: Answer): void;
  failAll(reason: string): void;
};

type Open<Answer> = {
  readonly timer: NodeJS.Timeout;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: SkerryError) => void;
};

export function createQuestions<Answer>(timeoutMs: number): Questions<Answer> {
  const open = new Map<number, Open<Answer>>();
  let count = 0;
  const take = (id: number) => {
    const question = open.get(id);
    open.delete(id);
    clearTimeout(question?.timer);
    return question;
  };
  const fail = (id: number, reason: string) => take(id)?.reject(new SkerryError('agent_unreachable', reason));
  return {
    ask: (send) =>
      new Promise((resolve, reject) => {
        if (open.size >= maxOpen) return reject(new SkerryError('agent_busy', 'the agent owes too many answers'));
        count += 1;
        const id = count;
        const timer = setTimeout(() => fail(id, `the agent did not answer within ${timeoutMs} ms`), timeoutMs);
        open.set(id, { timer, resolve, reject });
        send(id);
      }),
    answer: (id, answer) => take(id)?.resolve(answer),
    failAll(reason) {
      for (const id of [...open.keys()]) fail(id, reason);
    },
  };
}
