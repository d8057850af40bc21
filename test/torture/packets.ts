/** Packets of MQTT out of a stream of bytes (MQTT 3.1.1 and 5.0, section 2.1): the parts that a witness reads. */

/** Control packets by their number (section 2.1.2). */
export const packetKinds = { publish: 3, puback: 4 } as const;

export type Packet = {
  readonly kind: number;
  readonly flags: number;
  /** All bytes after the fixed header. */
  readonly body: Buffer;
};

/** Takes the bytes of one direction as they come, and emits each complete packet. */
export function createPacketReader(onPacket: (packet: Packet) => void): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const header = readHeader(rest);
      if (!header || rest.byteLength < header.end) return;
      const first = rest.readUInt8(0);
      onPacket({ kind: first >> 4, flags: first & 0x0f, body: rest.subarray(header.start, header.end) });
      rest = rest.subarray(header.end);
    }
  };
}

/** Start and end of the first packet's body; undefined until its length is complete (section 1.5.5). */
function readHeader(bytes: Buffer): { readonly start: number; readonly end: number } | undefined {
  let length = 0;
  for (let at = 1; at < bytes.byteLength; at += 1) {
    if (at > 4) throw new Error('this is not MQTT: the length of a packet has more than four bytes');
    const digit = bytes.readUInt8(at);
    length += (digit & 0x7f) * 128 ** (at - 1);
    if (digit < 0x80) return { start: at + 1, end: at + 1 + length };
  }
  return undefined;
}

/** Identifier of a PUBLISH of QoS 1 or 2 (section 3.3.2.2). */
export function publishId({ body }: Packet): number {
  return body.readUInt16BE(2 + body.readUInt16BE(0));
}
