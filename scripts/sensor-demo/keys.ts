/** Turning the control plane and the device off and on from the keyboard: a letter, then Enter. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Say } from './say.ts';
import type { Platform, Switch } from './services/platform.ts';

/** @returns what ends listening */
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
        on: 'runs again; what the device has kept is on its way',
      };
      void turn(controlPlane, texts, 'control plane');
    } else if (key === 'd') {
      const texts = {
        off: 'without power, in the middle of whatever it did (d and Enter: power it up)',
        on: 'runs again; it takes up what it had recorded, and what the broker has kept for it',
      };
      void turn(device, texts, 'device');
    } else if (key !== '') {
      say('', 'c: control plane off and on; d: power of the device off and on; Ctrl-C: end');
    }
  });
  return () => lines.close();
}
