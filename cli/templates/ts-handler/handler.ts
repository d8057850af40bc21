import type { Invoke } from './skerry.d.ts';

/** Takes JSON text, gives JSON text. The caller sees a thrown string as the error. */
export const invoke: Invoke = (input) => {
  const { name }: { name?: unknown } = JSON.parse(input) ?? {};
  if (typeof name !== 'string' || name === '') throw 'give me a name: {"name":"Ada"}';
  return JSON.stringify({ greeting: `Hello, ${name}!` });
};
