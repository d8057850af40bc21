import { type CloseName, closeKinds } from '@skerry/shared/tunnel/close.ts';
import { describe, expect, test } from 'vitest';
import { graceMs, initialState, type TunnelEvent, type TunnelState, transition } from './state.ts';

const around = { now: 1_000, random: 0.5 };
const closed = (name: CloseName): TunnelEvent => ({ name: 'closed', code: closeKinds[name].code, reason: 'why' });

function walk(events: TunnelEvent[], start: TunnelState = initialState) {
  return events.reduce((at, event) => transition(at.state, event, around), {
    state: start,
    action: { do: 'nothing' },
  } as ReturnType<typeof transition>);
}

const up = walk([{ name: 'due' }, { name: 'opened' }, { name: 'welcomed' }]).state;

describe('tunnel state', () => {
  test('dials, greets, is up', () => {
    expect(walk([{ name: 'due' }])).toMatchObject({ state: { name: 'dialing' }, action: { do: 'dial' } });
    expect(up).toMatchObject({ name: 'up', since: 1_000 });
  });

  test.each(Object.keys(closeKinds) as CloseName[])('does after %s what its close code says', (name) => {
    const { after } = closeKinds[name];
    const { state, action } = transition(up, closed(name), around);
    if (after.next === 'stop') {
      expect({ state: state.name, action: action.do }).toEqual({ state: 'stopped', action: 'halt' });
      expect(state).toMatchObject({ close: name, reason: 'why' });
    } else {
      const least = after.next === 'wait' ? after.atLeastMs : 0;
      expect(state.name).toBe('waiting');
      expect(action).toEqual({ do: 'wait', ms: least + 250, reason: 'why' });
    }
  });

  test('failures raise the wait until a tunnel lasted', () => {
    const failing: TunnelEvent[] = [closed('internal'), { name: 'due' }];
    let state = walk([{ name: 'due' }]).state;
    const waits: number[] = [];
    for (let n = 0; n < 4; n++) {
      const next = transition(state, failing[0] as TunnelEvent, around);
      waits.push(next.action.do === 'wait' ? next.action.ms : -1);
      state = transition(next.state, { name: 'due' }, around).state;
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000]);

    const short = walk([{ name: 'opened' }, { name: 'welcomed' }], state).state;
    expect(transition(short, closed('internal'), around).action).toMatchObject({ ms: 4_000 });
    const lasted = { ...around, now: around.now + graceMs };
    expect(transition(short, closed('internal'), lasted).action).toMatchObject({ ms: 250 });
  });

  test('a drain sets the minimum of the next wait only', () => {
    const drained = walk([{ name: 'drained', retryAfterMs: 7_000 }], up).state;
    const waiting = transition(drained, closed('going_away'), around);
    expect(waiting.action).toMatchObject({ ms: 7_250 });
    const again = walk([{ name: 'due' }], waiting.state).state;
    expect(transition(again, closed('internal'), around).action).toMatchObject({ ms: 500 });
  });

  test('stopped is the end', () => {
    const events: TunnelEvent[] = [
      { name: 'due' },
      { name: 'opened' },
      { name: 'welcomed' },
      { name: 'drained', retryAfterMs: 1 },
      closed('internal'),
      { name: 'stop' },
    ];
    const stopped = transition(up, { name: 'stop' }, around);
    expect(stopped.action).toEqual({ do: 'halt' });
    for (const event of events) expect(transition(stopped.state, event, around).state).toBe(stopped.state);
  });

  test('an event out of place changes nothing', () => {
    expect(transition(up, { name: 'due' }, around).state).toBe(up);
    expect(transition(initialState, closed('internal'), around).state).toBe(initialState);
  });
});
