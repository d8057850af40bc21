/**
 * The torture: numbered events go through a broker to a function on a device and from there to a sink, while processes
 * are killed at random moments and wires fail. In the end each event that the broker had acknowledged to the sensor
 * must be in the sink exactly once, and nothing else may be there. The broker's own losses are counted apart
 * (blame.ts).
 */
import { setTimeout as rest } from 'node:timers/promises';
import { blameFor } from './blame.ts';
import { choose, faults } from './faults.ts';
import { database, type Site, startSite, topic } from './platform-under-attack.ts';
import { startPublisher } from './publisher.ts';
import { randomFrom } from './random.ts';

type TortureOptions = {
  readonly kills: number;
  readonly seed: number;
  /** Events in a second. */
  readonly rate: number;
  readonly say: (text: string) => void;
};

export type TortureResult = {
  readonly options: Omit<TortureOptions, 'say'>;
  readonly seconds: number;
  readonly faults: readonly { readonly name: string; readonly times: number; readonly recoveryMs: readonly number[] }[];
  readonly published: number;
  readonly acknowledged: number;
  /** Events in the sink, and its documents. */
  readonly arrived: number;
  readonly documents: number;
  /** Events that the agent has acknowledged to the broker. */
  readonly answered: number;
  /** Acknowledged by the broker, and not in the sink, except for those below. */
  readonly lost: readonly number[];
  /** The same, but lost by the broker before the agent had acknowledged them; see blame.ts. */
  readonly lostByBroker: readonly number[];
  /** In the sink more than once. */
  readonly duplicated: readonly number[];
  /** Documents that were sent to the sink, including failed ones and repeats. */
  readonly sent: number;
  /** Milliseconds from the last fault until the sink had everything. */
  readonly settledMs: number;
};

/** How long the platform may take to deliver everything after the last fault, in milliseconds. */
const settleMs = 120_000;
/** Milliseconds between two looks while waiting. */
const lookMs = 20;
/** Milliseconds between two progress lines while waiting at the end. */
const tellMs = 5_000;

export async function torture({ kills, seed, rate, say }: TortureOptions): Promise<TortureResult> {
  const random = randomFrom(seed);
  const site = await startSite();
  try {
    const sensor = await site.broker.client({ clientId: 'sensor', clean: false, reconnectPeriod: 100 });
    const publisher = startPublisher(sensor, topic, rate);
    const counts = new Map(faults.map(({ name }) => [name, { times: 0, recoveryMs: [] as number[] }]));
    const began = performance.now();
    let killed = 0;
    const brokerKills: number[] = [];
    while (killed < kills) {
      const kill = random() < 0.7;
      const fault = choose(
        faults.filter(({ kills: kind }) => kind === kill),
        random,
      );
      await rest(random() * 400);
      const before = arrivals(site.couch.documents(database)).size;
      const at = performance.now();
      if (fault.name === 'broker killed') brokerKills.push(at);
      await fault.inflict(site, random);
      const count = counts.get(fault.name);
      if (count) count.times += 1;
      if (fault.kills) {
        killed += 1;
        if (killed % 50 === 0) say(`${killed} of ${kills} kills, ${publisher.acknowledged.size} events acknowledged`);
      }
      // Half of the time the next fault comes before the platform has recovered from this one.
      if (random() < 0.5) continue;
      const up = await within(10_000, () => arrivals(site.couch.documents(database)).size > before);
      if (up) count?.recoveryMs.push(performance.now() - at);
    }
    say('no more faults; waiting until everything has arrived');
    const last = performance.now();
    await publisher.finish();
    const whole = () => {
      const arrived = arrivals(site.couch.documents(database));
      return [...publisher.acknowledged.keys()].every((n) => arrived.has(n));
    };
    const telling = setInterval(() => void tellWhatIsMissing(site).then(say), tellMs);
    await within(settleMs, whole);
    clearInterval(telling);
    const documents = site.couch.documents(database);
    const arrived = arrivals(documents);
    const { witness } = site;
    const missing = [...publisher.acknowledged]
      .filter(([n]) => !arrived.has(n))
      .map(([n, acknowledgement]) => ({ n, ...blameFor(n, acknowledgement, { brokerKills, witness }) }));
    for (const { n, why } of missing) say(`event ${n} is not in the sink: ${why}`);
    return {
      options: { kills, seed, rate },
      seconds: (last - began) / 1_000,
      faults: [...counts].map(([name, count]) => ({ name, ...count })),
      published: publisher.published,
      acknowledged: publisher.acknowledged.size,
      arrived: arrived.size,
      documents: documents.size,
      answered: witness.answered.size,
      lost: missing.flatMap(({ n, broker }) => (broker ? [] : [n])),
      lostByBroker: missing.flatMap(({ n, broker }) => (broker ? [n] : [])),
      duplicated: [...arrived].filter(([, times]) => times > 1).map(([n]) => n),
      sent: site.couch.requests.reduce((sum, request) => sum + request.documents, 0),
      settledMs: performance.now() - last,
    };
  } finally {
    await site.stop();
  }
}

/** How often each event is in the sink. */
function arrivals(documents: ReadonlyMap<string, Readonly<Record<string, unknown>>>): Map<number, number> {
  const times = new Map<number, number>();
  for (const { echo } of documents.values()) {
    const { n } = echo as { n: number };
    times.set(n, (times.get(n) ?? 0) + 1);
  }
  return times;
}

/** Where missing events may be, in one line of JSON. */
async function tellWhatIsMissing({ platform }: Site): Promise<string> {
  const paths = ['/v1/fn/_/echo/triggers', '/v1/sinks', '/v1/agents'];
  const answers = await Promise.all(
    paths.map((path) =>
      platform.api.call('GET', path).then(
        ({ body }) => body,
        (error: unknown) => String(error),
      ),
    ),
  );
  return JSON.stringify(answers);
}

async function within(ms: number, reached: () => boolean): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (!reached()) {
    if (performance.now() > deadline) return false;
    await rest(lookMs);
  }
  return true;
}
