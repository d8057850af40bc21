/**
 * Bounds the size of a packet in memory. The mqtt package assembles a packet of any size before it looks at it
 * (mqtt-packet 9, parser.js), up to the 256 MiB that the protocol allows.
 */

/** The part of a client of the mqtt package that the guard needs. */
type GuardedClient = {
  readonly stream: { on(event: 'data', listener: (bytes: Uint8Array) => void): unknown };
  on(event: 'packetreceive', listener: () => void): unknown;
};

/** @param cut called, with the reason, after more than `maxBytes` bytes without a complete packet */
export function guardPackets(client: GuardedClient, maxBytes: number, cut: (why: string) => void): void {
  let unparsed = 0;
  client.stream.on('data', (bytes) => {
    unparsed += bytes.byteLength;
    if (unparsed > maxBytes) cut('the broker sends a packet that is too large');
  });
  client.on('packetreceive', () => {
    unparsed = 0;
  });
}
