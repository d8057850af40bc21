/**
 * Bounds what a broker can make us hold of one packet: the mqtt package puts a packet of any size together in memory
 * before it looks at it (mqtt-packet 9, parser.js), up to the 256 MiB that the protocol can say.
 */

/** A client of the mqtt package, as far as this looks at it. */
export type Guarded = {
  readonly stream: { on(event: 'data', listener: (bytes: Uint8Array) => void): unknown };
  on(event: 'packetreceive', listener: () => void): unknown;
};

/** @param cut called, with the reason, when more than `maxBytes` came without a whole packet among them */
export function guardPackets(client: Guarded, maxBytes: number, cut: (why: string) => void): void {
  let unparsed = 0;
  client.stream.on('data', (bytes) => {
    unparsed += bytes.byteLength;
    if (unparsed > maxBytes) cut('the broker sends a packet that is too large');
  });
  client.on('packetreceive', () => {
    unparsed = 0;
  });
}
