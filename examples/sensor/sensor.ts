/**
 * A simulated temperature sensor: publishes what it has read to an MQTT broker, until it is ended.
 *
 *     node examples/sensor/sensor.ts --broker mqtt://127.0.0.1:1883 --topic sensors/boiler/readings
 *
 * It publishes with QoS 1 and gives each message an id of its own. So a message that the broker was sent twice, because
 * an acknowledgement was lost, can be known again; the trigger's `message_id` says where the id is.
 *
 * Invariant: at most `maxUnacknowledged` messages wait for the broker; further readings are skipped, and said so. That
 * is what a sensor with little memory does.
 */
import { randomUUID } from 'node:crypto';
import { setInterval } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect } from 'mqtt';
import { temperatureAt } from './readings.ts';

const usage = `Usage: node sensor.ts [options]

  --broker URL      mqtt:// or mqtts:// (mqtt://127.0.0.1:1883)
  --name NAME       of the sensor (boiler)
  --topic TOPIC     to publish to (sensors/NAME/readings)
  --interval MS     between two messages, from 10 on (1000)
  --cycle SECONDS   that the boiler takes to heat up and cool down again (12)
  --messages N      to publish, then it ends (no end)
`;

/** New readings in a message, and those that it brings again. */
const freshReadings = 5;
const keptReadings = 40;
const maxUnacknowledged = 100;

function refuse(message: string): never {
  console.error(`${message}\n\n${usage}`);
  process.exit(2);
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        broker: { type: 'string', default: 'mqtt://127.0.0.1:1883' },
        name: { type: 'string', default: 'boiler' },
        topic: { type: 'string' },
        interval: { type: 'string', default: '1000' },
        cycle: { type: 'string', default: '12' },
        messages: { type: 'string', default: String(Number.MAX_SAFE_INTEGER) },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function whole(option: string, value: string, min: number): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= min) return number;
  return refuse(`--${option} must be a whole number from ${min} on, not "${value}"`);
}

const options = readOptions();
if (options.help) {
  console.log(usage);
  process.exit();
}
const { broker, name, topic = `sensors/${name}/readings` } = options;
const intervalMs = whole('interval', options.interval, 10);
const cycle = whole('cycle', options.cycle, 1);
const messages = whole('messages', options.messages, 1);

const client = connect(broker, {
  clientId: `sensor-${name}-${randomUUID().slice(0, 8)}`,
  reconnectPeriod: 1_000,
});
let trouble = '';
client.on('error', ({ message }) => {
  // Told once, not at every attempt; without the URL, which may hold a password.
  if (message !== trouble) console.error(`the broker cannot be reached: ${message}`);
  trouble = message;
});
const stop = () => client.end(true, () => process.exit());
process.once('SIGTERM', stop).once('SIGINT', stop);

/** Tells this start from the one before, which counted its messages from 1, too. */
const start = randomUUID().slice(0, 8);
let unacknowledged = 0;
let readings: number[] = [];

async function publish(number: number): Promise<void> {
  const fresh = Array.from({ length: freshReadings }, (_, index) => {
    const second = ((number * freshReadings + index) * intervalMs) / freshReadings / 1_000;
    return temperatureAt(second, cycle, Math.random());
  });
  readings = [...readings, ...fresh].slice(-keptReadings);
  if (unacknowledged >= maxUnacknowledged) {
    console.log(`message ${number} skipped: ${unacknowledged} wait for the broker`);
    return;
  }
  unacknowledged += 1;
  const payload = { id: `${start}-${number}`, sensor: name, readings, fresh: freshReadings };
  await client.publishAsync(topic, JSON.stringify(payload), { qos: 1 }).finally(() => {
    unacknowledged -= 1;
  });
  console.log(`message ${number}: ${fresh.join(' ')} °C`);
}

let number = 0;
for await (const _ of setInterval(intervalMs)) {
  number += 1;
  const failed = ({ message }: Error) => console.error(`message ${number}: ${message}`);
  publish(number).catch(failed);
  if (number >= messages) break;
}
// Ends the connection when the last message is acknowledged.
await client.endAsync();
