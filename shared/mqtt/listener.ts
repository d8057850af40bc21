/**
 * Listens to one topic of a broker, for ever: connects, subscribes, gives what comes to the intake, answers the broker
 * when it is on disk, and connects again with back-off when the connection is over.
 *
 * Invariants: a message of QoS 1 or 2 is answered only after its event was kept, or was found not to be one; what is
 * held in memory is bounded, and beyond the bound nothing is read; a broker that goes on for long beyond it is left, and
 * found again when there is room; once it is cut, nothing is answered and nobody is connected to any more.
 */
import { randomUUIDv7 } from 'node:crypto';
import { backoffDelay } from '../backoff.ts';
import { type Clock, settledWithin } from '../clock.ts';
import { createEventQueue } from '../events/event-queue.ts';
import type { Intake } from '../events/intake.ts';
import type { Listener, ListenerState } from '../events/listener.ts';
import type { MqttParams } from '../function/triggers.ts';
import { createAnswers, type Unanswered } from './acks.ts';
import { type ConnectMqtt, type MqttPacket, toMqttOptions } from './client.ts';
import { type Connection, openConnection } from './connection.ts';
import { toEvent } from './event.ts';
import { describeFault } from './fault.ts';
import { subscriptionFor } from './retained.ts';
import { forgetSession, leave, subscribeTo } from './session.ts';

export type MqttListenerOptions = {
  readonly trigger: string;
  readonly params: MqttParams;
  readonly function: string;
  /** Of events that are this device's own, whoever else has the same trigger; see EventScope. */
  readonly device?: string | undefined;
  /** Stable, and nobody else's: the broker keeps the session under it. */
  readonly clientId: string;
  /** What the broker keeps under the client id is of another subscription, and shall go. */
  readonly fresh: boolean;
  /** Loads the client. */
  readonly load: () => Promise<ConnectMqtt>;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly random: () => number;
};

/** Bytes of a payload at most: what the largest function takes. */
const maxPayloadBytes = 4 * 1024 * 1024;
/** Unanswered messages that a broker of MQTT 5 may send. */
const receiveMaximum = 250;
/** Milliseconds that a broker is left unread before we leave it. */
const unreadMs = 10_000;
/** Milliseconds that a connection has to last for the next one to come without a long rest. */
const steadyMs = 5_000;
/** Milliseconds for what is on its way to the disk at the end. */
const lastWaveMs = 5_000;
/** Milliseconds for the broker to release the last messages of QoS 2. */
const releaseMs = 1_000;

export function createMqttListener(options: MqttListenerOptions): Listener {
  const { trigger, params, clientId, load, intake, clock, random } = options;
  const keeping = new AbortController();
  const listening = new AbortController();
  const cutting = new AbortController();
  const answers = createAnswers();
  const queue = createEventQueue({
    trigger,
    intake,
    limit: { maxPending: params.max_pending, whenFull: params.when_full },
    clock,
    random,
    signal: keeping.signal,
    onSettled: answers.flush,
  });
  // Members of a group share the messages, and one that the broker gives to another member is the same event.
  const device = params.share === undefined ? options.device : undefined;
  const origin = { trigger, device, function: options.function };
  const topic = params.share === undefined ? params.topic : `$share/${params.share}/${params.topic}`;
  let since: number | undefined;
  let lastMessage: number | undefined;
  let received = 0;
  let invalid = 0;
  let error: string | undefined;
  let tried = false;
  let { fresh } = options;
  /** Whether this listener has been subscribed. */
  let granted = false;
  let leaveOut = false;

  const optionsFor = (clean: boolean) =>
    toMqttOptions(params, { clientId, clean, receiveMaximum, maximumPacketSize: maxPayloadBytes + 64 * 1024 });

  /** The event of a message, if it is one. */
  const eventFrom = (packet: MqttPacket) => {
    if (packet.retain && leaveOut) return undefined;
    received += 1;
    lastMessage = clock.now();
    const payload = bytesOf(packet.payload);
    const event =
      payload.byteLength > maxPayloadBytes
        ? `the payload has more than ${maxPayloadBytes} bytes`
        : toEvent(params, origin, { topic: packet.topic ?? '', payload }, clock.now(), randomUUIDv7());
    if (typeof event === 'object' && event.invalid === undefined) return event;
    invalid += 1;
    error = `a message was dropped: ${typeof event === 'string' ? event : event.invalid}`;
    return typeof event === 'object' && params.dead_letter ? event : undefined;
  };

  // By itself: made beside `goOn`, it would hold what that holds, which is the packet.
  const settling = (message: Unanswered | undefined) => () => {
    if (message) answers.settle(message);
  };

  const take = (packet: MqttPacket, qos: number, connection: Connection, goOn: () => void) => {
    const message = qos === 0 ? undefined : answers.take(packet, qos);
    if (qos === 0 || message) {
      queue.add({ event: eventFrom(packet), canWait: qos > 0, settle: settling(message) });
    }
    // What was agreed on with MQTT 5 is not insisted on: mosquitto 2.0 forgets it when it resumes a session.
    if (queue.hasRoom) return goOn();
    void settledWithin(clock, unreadMs, queue.whenRoom(listening.signal)).then(() => {
      if (queue.hasRoom) goOn();
      else connection.cut('there is no room for what the broker sends');
    });
  };

  /** One connection, until it is over. Resolves with the reason. */
  const listen = async (): Promise<string> => {
    const connect = await load();
    if (fresh) await forgetSession(connect, optionsFor(true), clock, cutting.signal);
    fresh = false;
    if (listening.signal.aborted) return 'stopped';
    let present = false;
    const connection: Connection = openConnection(connect, optionsFor(params.session === 'clean'), {
      onWelcome(stream, sessionPresent) {
        present = sessionPresent;
        answers.begin(stream, sessionPresent);
        ({ leaveOut } = subscriptionFor(params, granted, present));
      },
      onMessage: (packet, qos, goOn) => take(packet, qos, connection, goOn),
      onReleased: answers.released,
    });
    const onStop = () => void leave(connection, clock);
    listening.signal.addEventListener('abort', onStop);
    const onCut = () => connection.cut('stopped');
    cutting.signal.addEventListener('abort', onCut);
    try {
      await connection.ready;
      const { send, rh } = subscriptionFor(params, granted, present);
      const { qos, version } = params;
      if (send) await subscribeTo(connection, topic, { qos, ...(version === '5' && { rh }) }, clock);
      granted = true;
      since = clock.now();
      error = undefined;
      return await connection.over;
    } catch (cause) {
      connection.cut(describeFault(cause));
      return await connection.over;
    } finally {
      listening.signal.removeEventListener('abort', onStop);
      cutting.signal.removeEventListener('abort', onCut);
      answers.end();
    }
  };

  const run = async () => {
    let failures = 0;
    while (!listening.signal.aborted) {
      const why = await listen().catch(describeFault);
      if (listening.signal.aborted) return;
      const steady = since !== undefined && clock.now() - since >= steadyMs;
      failures = steady ? 1 : failures + 1;
      since = undefined;
      tried = true;
      error = why;
      await queue.whenRoom(listening.signal);
      await clock.sleep(backoffDelay(failures, random()), listening.signal);
    }
  };
  const running = run();

  let stopping: Promise<void> | undefined;
  const stop = async (forgetting: boolean) => {
    keeping.abort();
    const cut = new Promise((resolve) => cutting.signal.addEventListener('abort', resolve));
    if (!cutting.signal.aborted) await settledWithin(clock, lastWaveMs, Promise.race([queue.done, cut]));
    if (!cutting.signal.aborted) await settledWithin(clock, releaseMs, Promise.race([answers.whenReleased(), cut]));
    listening.abort();
    await running;
    if (!forgetting || params.session === 'clean' || cutting.signal.aborted) return;
    // One attempt: a broker that is away keeps the session for as long as it likes.
    await load()
      .then((connect) => forgetSession(connect, optionsFor(true), clock, cutting.signal))
      .catch(() => undefined);
  };

  return {
    get state(): ListenerState {
      const trouble = since === undefined ? error : (queue.trouble ?? error);
      return {
        state: since === undefined ? (tried ? 'failing' : 'connecting') : queue.trouble ? 'holding' : 'up',
        ...(since !== undefined && { since }),
        ...(lastMessage !== undefined && { lastMessage }),
        received,
        dropped: queue.dropped + invalid,
        ...(trouble !== undefined && { error: trouble }),
      };
    },
    stop(forgetting) {
      stopping ??= stop(forgetting);
      return stopping;
    },
    cut() {
      // First of all: with the others only, the connection would be left politely.
      cutting.abort();
      keeping.abort();
      listening.abort();
    },
  };
}

function bytesOf(payload: string | Uint8Array = ''): Uint8Array {
  return typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
}
