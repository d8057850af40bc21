/**
 * Listens to one topic of a broker until it is stopped: connects, subscribes, gives the messages to the intake,
 * acknowledges them, and connects again with back-off when the connection is over.
 *
 * Invariants:
 * - The listener acknowledges a message of QoS 1 or 2 only after its event was stored or was found invalid.
 * - The listener holds a bounded number of messages, and reads nothing beyond that bound. It leaves a broker that stays
 *   unread for `maxUnreadMs`, and connects again when there is room.
 * - After `cut`, the listener acknowledges nothing and opens no connection.
 *
 * The loop is written by hand because the end of a connection is neither a success nor a failure of a step: the
 * listener waits for room first, and the back-off starts over after a connection that lasted.
 */
import { backoffDelay } from '../backoff.ts';
import { type Clock, settledWithin } from '../clock.ts';
import { createEventQueue, type EventQueue } from '../events/event-queue.ts';
import type { Intake } from '../events/intake.ts';
import type { Listener, ListenerState } from '../events/listener.ts';
import type { MqttParams } from '../function/triggers.ts';
import { type Acks, createAcks, type UnackedMessage } from './acks.ts';
import { type ConnectMqtt, type MqttOptions, type MqttPacket, toMqttOptions } from './client.ts';
import { type MqttConnection, openConnection } from './connection.ts';
import { describeFault } from './fault.ts';
import { MessageReader, maxPayloadBytes } from './message-reader.ts';
import { planSubscription } from './retained.ts';
import { disconnect, forgetSession, subscribeTo } from './session.ts';

type MqttListenerOptions = {
  readonly trigger: string;
  readonly params: MqttParams;
  readonly function: string;
  /** Set where the events belong to this device, although other devices have the same trigger. See `EventScope`. */
  readonly device?: string | undefined;
  /** Stable, and unique among the broker's clients: the broker keeps the session under this id. */
  readonly clientId: string;
  /** True when the broker's session under the client id belongs to another subscription. It is then discarded. */
  readonly fresh: boolean;
  /** Loads the MQTT client. */
  readonly load: () => Promise<ConnectMqtt>;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly random: () => number;
};

/** Maximum of unacknowledged messages that a broker of MQTT 5 may send. */
const receiveMaximum = 250;
/** How long a broker stays unread before the listener leaves it, in milliseconds. */
const maxUnreadMs = 10_000;
/** How long a connection must last for the back-off to start over, in milliseconds. */
const steadyMs = 5_000;
/** How long `stop` waits for the last wave to reach the disk, in milliseconds. */
const lastWaveMs = 5_000;
/** How long `stop` waits for the broker to release the last messages of QoS 2, in milliseconds. */
const releaseMs = 1_000;

export function createMqttListener(options: MqttListenerOptions): Listener {
  return new MqttListener(options);
}

class MqttListener implements Listener {
  readonly #options: MqttListenerOptions;
  readonly #topic: string;
  readonly #acks = createAcks();
  readonly #messages: MessageReader;
  readonly #queue: EventQueue;
  readonly #endQueue = new AbortController();
  readonly #endListening = new AbortController();
  readonly #cutting = new AbortController();
  readonly #running: Promise<void>;
  /** When the current connection was subscribed. Undefined while there is no subscription. */
  #since: number | undefined;
  #error: string | undefined;
  #hasFailed = false;
  #fresh: boolean;
  /** True when this listener has been subscribed. */
  #granted = false;
  #ignoreRetained = false;
  #stopped: Promise<void> | undefined;

  constructor(options: MqttListenerOptions) {
    const { trigger, params, intake, clock, random } = options;
    this.#options = options;
    this.#fresh = options.fresh;
    this.#topic = params.share === undefined ? params.topic : `$share/${params.share}/${params.topic}`;
    // Members of a group share the messages: a message that the broker gives to another member is the same event.
    const device = params.share === undefined ? options.device : undefined;
    this.#messages = new MessageReader({
      params,
      source: { trigger, device, function: options.function },
      clock,
      onInvalid: (why) => {
        this.#error = `a message was dropped: ${why}`;
      },
    });
    this.#queue = createEventQueue({
      trigger,
      intake,
      limit: { maxPending: params.max_pending, whenFull: params.when_full },
      clock,
      random,
      signal: this.#endQueue.signal,
      onSettled: this.#acks.flush,
    });
    this.#running = this.#run();
  }

  get state(): ListenerState {
    const isUp = this.#since !== undefined;
    const { trouble } = this.#queue;
    const { received, invalid, lastMessage } = this.#messages;
    const error = isUp ? (trouble ?? this.#error) : this.#error;
    return {
      state: isUp ? (trouble ? 'holding' : 'up') : this.#hasFailed ? 'failing' : 'connecting',
      ...(this.#since !== undefined && { since: this.#since }),
      ...(lastMessage !== undefined && { lastMessage }),
      received,
      dropped: this.#queue.dropped + invalid,
      ...(error !== undefined && { error }),
    };
  }

  stop(forget: boolean): Promise<void> {
    this.#stopped ??= this.#stop(forget);
    return this.#stopped;
  }

  cut(): void {
    // First: the other signals alone would disconnect politely.
    this.#cutting.abort();
    this.#endQueue.abort();
    this.#endListening.abort();
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#options;
    const { signal } = this.#endListening;
    let failures = 0;
    while (!signal.aborted) {
      const why = await this.#listen().catch(describeFault);
      if (signal.aborted) return;
      const wasSteady = this.#since !== undefined && clock.now() - this.#since >= steadyMs;
      failures = wasSteady ? 1 : failures + 1;
      this.#since = undefined;
      this.#hasFailed = true;
      this.#error = why;
      await this.#queue.whenRoom(signal);
      await clock.sleep(backoffDelay(failures, random()), signal);
    }
  }

  /** Keeps one connection until it is over. Resolves with the reason. */
  async #listen(): Promise<string> {
    const { params, load, clock } = this.#options;
    const connect = await load();
    if (this.#fresh) await forgetSession(connect, this.#toMqttOptions(true), clock, this.#cutting.signal);
    this.#fresh = false;
    if (this.#endListening.signal.aborted) return 'stopped';
    let hasSession = false;
    const connection: MqttConnection = openConnection(connect, this.#toMqttOptions(params.session === 'clean'), {
      onWelcome: (stream, sessionPresent) => {
        hasSession = sessionPresent;
        this.#acks.begin(stream, sessionPresent);
        this.#ignoreRetained = planSubscription(params, this.#granted, hasSession).ignoreRetained;
      },
      onMessage: (packet, qos, goOn) => this.#take(packet, qos, connection, goOn),
      onReleased: this.#acks.released,
    });
    const onStop = () => void disconnect(connection, clock);
    this.#endListening.signal.addEventListener('abort', onStop);
    const onCut = () => connection.cut('stopped');
    this.#cutting.signal.addEventListener('abort', onCut);
    try {
      await connection.ready;
      const { send, rh } = planSubscription(params, this.#granted, hasSession);
      const { qos, version } = params;
      if (send) await subscribeTo(connection, this.#topic, { qos, ...(version === '5' && { rh }) }, clock);
      this.#granted = true;
      this.#since = clock.now();
      this.#error = undefined;
      return await connection.over;
    } catch (cause) {
      connection.cut(describeFault(cause));
      return await connection.over;
    } finally {
      this.#endListening.signal.removeEventListener('abort', onStop);
      this.#cutting.signal.removeEventListener('abort', onCut);
      this.#acks.end();
    }
  }

  #take(packet: MqttPacket, qos: number, connection: MqttConnection, goOn: () => void): void {
    const message = qos === 0 ? undefined : this.#acks.take(packet, qos);
    if (qos === 0 || message) {
      const isIgnored = packet.retain && this.#ignoreRetained;
      const event = isIgnored ? undefined : this.#messages.read(packet);
      this.#queue.add({ event, canWait: qos > 0, settle: settleLater(this.#acks, message) });
    }
    // A broker that sends more than the agreed maximum of MQTT 5 is not refused: mosquitto 2.0 forgets the maximum when
    // it resumes a session.
    if (this.#queue.hasRoom) {
      goOn();
      return;
    }
    const hasRoom = this.#queue.whenRoom(this.#endListening.signal);
    void settledWithin(this.#options.clock, maxUnreadMs, hasRoom).then(() => {
      if (this.#queue.hasRoom) goOn();
      else connection.cut('there is no room for what the broker sends');
    });
  }

  async #stop(forget: boolean): Promise<void> {
    const { params, load, clock } = this.#options;
    const { signal } = this.#cutting;
    this.#endQueue.abort();
    const cut = new Promise((resolve) => signal.addEventListener('abort', resolve));
    if (!signal.aborted) await settledWithin(clock, lastWaveMs, Promise.race([this.#queue.done, cut]));
    if (!signal.aborted) await settledWithin(clock, releaseMs, Promise.race([this.#acks.whenReleased(), cut]));
    this.#endListening.abort();
    await this.#running;
    if (!forget || params.session === 'clean' || signal.aborted) return;
    // One attempt only: a broker that is away keeps the session until it expires there.
    await load()
      .then((connect) => forgetSession(connect, this.#toMqttOptions(true), clock, signal))
      .catch(() => undefined);
  }

  #toMqttOptions(clean: boolean): MqttOptions {
    const { params, clientId } = this.#options;
    const maximumPacketSize = maxPayloadBytes + 64 * 1024;
    return toMqttOptions(params, { clientId, clean, receiveMaximum, maximumPacketSize });
  }
}

/** Outside of the class, so that the callback does not share a scope with the packet and keep it in memory. */
function settleLater(acks: Acks, message: UnackedMessage | undefined): () => void {
  return () => {
    if (message) acks.settle(message);
  };
}
