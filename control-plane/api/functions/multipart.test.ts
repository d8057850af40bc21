import { expect, test } from 'vitest';
import { parseMultipart } from './multipart.ts';

const type = 'multipart/form-data; boundary=xYz';
const parse = (text: string, contentType = type) => parseMultipart(Buffer.from(text, 'latin1'), contentType);
const part = (head: string, body: string) => `--xYz\r\nContent-Disposition: form-data; ${head}\r\n\r\n${body}\r\n`;

test('a browser’s form is read unchanged', async () => {
  const form = new FormData();
  form.set('name', 'grüße');
  const bytes = new Uint8Array([0, 13, 10, 45, 45, 255]);
  form.set('code', new File([bytes], 'a "b".wasm'));
  form.set('empty', new File([], 'none'));
  const response = new Response(form);
  const contentType = response.headers.get('content-type') ?? '';
  const body = Buffer.from(await response.arrayBuffer());
  const parts = await parseMultipart(body, contentType);
  expect(parts.get('name')?.bytes.toString()).toBe('grüße');
  expect(parts.get('name')?.file).toBe(false);
  expect(parts.get('code')?.file).toBe(true);
  expect(new Uint8Array(parts.get('code')?.bytes ?? [])).toEqual(bytes);
  expect(parts.get('empty')).toMatchObject({ file: true, bytes: Buffer.alloc(0) });
});

test('a preamble, an epilogue, blanks after a boundary and a quoted boundary are read; of several parts with one name the first counts', async () => {
  const text = `hello\r\n${part('name=a', '1')}--xYz  \r\nX-More: 1\r\ncontent-disposition: form-data; name="a"\r\n\r\n2\r\n--xYz--\r\nbye`;
  const parts = await parse(text, 'Multipart/Form-Data; charset=utf-8; boundary="xYz"');
  expect([...parts].map(([name, { bytes }]) => [name, bytes.toString()])).toEqual([['a', '1']]);
});

test.each([
  ['nothing', ''],
  ['no boundary', 'torn'],
  ['no end', part('name="a"', '1')],
  ['a truncated part', '--xYz\r\nContent-Disposition: form-data; name="a"\r\n\r\n1'],
  ['headers without an end', '--xYz\r\nContent-Disposition: form-data; name="a"'],
  ['a part without a name', `${part('', '1')}--xYz--`],
  ['too many parts', `${part('name="a"', '1').repeat(65)}--xYz--`],
])('%s: bad_request', async (_, text) => {
  await expect(parse(text)).rejects.toMatchObject({ code: 'bad_request' });
});

test.each([
  ['a part without headers', '--xYz\r\n\r\n1\r\n--xYz--'],
  ['text after a boundary', '--xYzABC\r\n\r\n1\r\n--xYz--'],
])('%s has no name, and is left out', async (_, text) => {
  expect((await parse(text)).size).toBe(0);
});

test.each(['multipart/form-data', 'multipart/mixed; boundary=xYz', '', 'text/plain'])(
  'content type %j',
  async (other) => {
    await expect(parse(`${part('name="a"', '1')}--xYz--`, other)).rejects.toMatchObject({ code: 'bad_request' });
  },
);
