/** The other end of the baseline: echoes every message. */
import { pack } from 'msgpackr/pack';
import { unpack } from 'msgpackr/unpack';
import { WebSocket } from 'ws';

const socket = new WebSocket(process.env.BARE_SERVER ?? '', { perMessageDeflate: false });
socket.on('message', (data) => {
  const { id, input } = unpack(data as Buffer) as { id: number; input: Uint8Array };
  socket.send(pack({ id, output: input }));
});
