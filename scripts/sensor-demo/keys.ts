/** Turns the control plane and the device off and on from the keyboard: a letter, then Enter. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Say } from './say.ts';
import type { Platform, Switch } from './services/platform.ts';

/** @returns a function that stops listening */
export function listenToKeys(keys: Readable, { controlPlane, device }: Platform, say: Say): () => void {
  let busy = false;
  const turn = async (what: Switch, texts: { off: string; on: string }, who: string) => {
    if (busy) return;
    busy = true;
    const { on } = what;
    try {
      await (on ? what.stop() : what.start());
      say(who, on ? texts.off : texts.on);
    } catch (error) {
      say(who, (error as Error).message);
    }
    busy = false;
  };
  const lines = createInterface({ input: keys });
  lines.on('line', (line) => {
    const key = line.trim().toLowerCase();
    if (key === 'c') {
      const texts = {
        off: 'stopped; the device goes on (c and Enter: start it again)',
        on: 'runs again; the device delivers its outcomes',
      };
      void turn(controlPlane, texts, 'control plane');
    } else if (key === 'd') {
      const texts = {
        off: 'without power, in the middle of its work (d and Enter: power it up)',
        on: 'runs again, with its recorded events and the messages that the broker has queued for it',
      };
      void turn(device, texts, 'device');
    } else if (key !== '') {
      say('', 'c: control plane off and on; d: power of the device off and on; Ctrl-C: end');
    }
  });
  return () => lines.close();
}
