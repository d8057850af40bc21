/**
 * The smallest useful function: takes JSON text, gives JSON text. A thrown string becomes the error result, and the
 * caller gets it as the message of `function_error`.
 *
 * @param {string} input JSON with a `name`, for example {"name":"Ada"}
 * @returns {string} JSON with a greeting
 */
export function invoke(input) {
  const { name } = JSON.parse(input) ?? {};
  if (typeof name !== 'string' || name === '') throw 'give me a name: {"name":"Ada"}';
  return JSON.stringify({ greeting: `Hello, ${name}!` });
}
