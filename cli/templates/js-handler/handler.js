/**
 * Takes JSON text, gives JSON text. The caller sees a thrown string as the error.
 *
 * @type {import('./skerry.d.ts').Invoke}
 */
export function invoke(input) {
  const { name } = JSON.parse(input) ?? {};
  if (typeof name !== 'string' || name === '') throw 'give me a name: {"name":"Ada"}';
  return JSON.stringify({ greeting: `Hello, ${name}!` });
}
