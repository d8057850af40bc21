/**
 * Takes JSON text, gives JSON text. What is thrown becomes the error that the caller sees.
 *
 * @type {import('./skerry.d.ts').Invoke}
 */
export function invoke(input) {
  const { name } = JSON.parse(input) ?? {};
  if (typeof name !== 'string' || name === '') throw 'give me a name: {"name":"Ada"}';
  return JSON.stringify({ greeting: `Hello, ${name}!` });
}
