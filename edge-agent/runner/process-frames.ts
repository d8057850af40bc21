/** Routes each frame of the runner's process: results and parts of calls, capability requests, loads and counts. */
import type { CapabilityRequests } from './calls/call-capabilities.ts';
import { checkedAnswer, deliver } from './calls/deliver.ts';
import type { InFlight } from './calls/in-flight.ts';
import type { OpenCalls } from './calls/open-calls.ts';
import type { Pending } from './calls/pending.ts';
import type { Window } from './calls/window.ts';
import type { Loads } from './loads.ts';
import type { ThreadCounts } from './process/thread-counts.ts';
import { firstRequestNumber } from './protocol/stream-wire.ts';
import {
  decodeResult,
  encodeCancel,
  kinds,
  type ResultFrame,
  readDigest,
  readEnded,
  readLoadedMessage,
  readNumber,
} from './protocol/wire.ts';

type ProcessFrameOptions = {
  readonly window: Window;
  readonly open: OpenCalls;
  readonly inFlight: InFlight;
  readonly loads: Pick<Loads, 'loaded'>;
  readonly requests: Pick<CapabilityRequests, 'receive'>;
  readonly threadCounts: ThreadCounts;
  /** Sends a frame to the process, while it is there. */
  readonly send: (frame: Buffer) => void;
  /** The process has more room than before: calls that wait may start. */
  readonly onRoom: () => void;
};

/**
 * @returns a function that takes the frames of the process, in their order. It throws for a frame that the runner never
 * sends. The process must then be ended.
 */
export function createProcessFrameRouter(options: ProcessFrameOptions): (content: Buffer) => void {
  const { window, open, inFlight, loads, requests, threadCounts, send, onRoom } = options;

  const takeResult = (frame: ResultFrame) => {
    const { seq, started, durationUs } = frame;
    const pending = inFlight.get(seq);
    if (!pending) return;
    window.ended(durationUs);
    open.finish(pending, { ...checkedAnswer(frame), durationUs, cold: pending.cold, started });
    onRoom();
  };
  const takeCallFrame = (pending: Pending, content: Buffer) => {
    if (content[0] === kinds.parked) {
      inFlight.park(pending);
      for (const frame of pending.takeHeld()) send(frame);
      return onRoom();
    }
    const fault = deliver(content, pending.events);
    if (fault === undefined) return;
    send(encodeCancel(pending.seq));
    open.fail(pending, 'function_output_invalid', fault);
  };

  return (content) => {
    switch (content[0]) {
      case kinds.result:
        return takeResult(decodeResult(content));
      case kinds.loaded:
        return loads.loaded(readDigest(content), readLoadedMessage(content));
      case kinds.threads:
        return threadCounts.update(readNumber(content), readEnded(content));
      case kinds.ask:
        return requests.receive(content);
      case kinds.part:
      case kinds.credit:
        if (readNumber(content) >= firstRequestNumber) return requests.receive(content);
        break;
    }
    const pending = inFlight.get(readNumber(content));
    if (pending) takeCallFrame(pending, content);
  };
}
