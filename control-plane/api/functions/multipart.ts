/** multipart/form-data from a body in memory. */
import { Busboy } from '@fastify/busboy';
import { SkerryError } from '@skerry/shared/errors.ts';

export type FormPart = {
  /** True for a part with a filename. */
  readonly file: boolean;
  readonly bytes: Buffer;
};

/**
 * Limits of a form: at most this number of parts (FunLess and Skerry know seven); bytes of names, and of text beside
 * the code.
 */
const limits = { parts: 64, fieldNameSize: 1_024, fieldSize: 1024 * 1024, headerPairs: 100 };

/** Parts by name; of several with one name the first counts. Rejects with SkerryError bad_request. */
export function parseMultipart(body: Buffer, contentType: string | undefined): Promise<ReadonlyMap<string, FormPart>> {
  if (!/^multipart\/form-data\s*(;|$)/i.test(contentType ?? '')) {
    return Promise.reject(new SkerryError('bad_request', 'The body must be multipart/form-data'));
  }
  return new Promise((resolve, reject) => {
    const parts = new Map<string, FormPart>();
    const keep = (name: string | undefined, part: FormPart) => {
      if (name === undefined) fail('a part has no name');
      else if (!parts.has(name)) parts.set(name, part);
    };
    const fail = (reason: string) => {
      reject(new SkerryError('bad_request', `The body is not well-formed multipart/form-data: ${reason}`));
    };
    try {
      const parser = new Busboy({
        headers: { 'content-type': contentType ?? '' },
        // A part with a filename is a file; by default, one without a content type of its own would be text.
        isPartAFile: (_name, _type, filename) => filename !== undefined,
        limits: { ...limits, fileSize: body.byteLength + 1 },
      });
      parser.on('field', (name, text, nameCut, textCut) => {
        if (nameCut || textCut) fail('a field is too long');
        else keep(name, { file: false, bytes: Buffer.from(text) });
      });
      parser.on('file', (name, stream) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('error', (error) => fail(error.message));
        stream.on('end', () => keep(name, { file: true, bytes: Buffer.concat(chunks) }));
      });
      parser.on('partsLimit', () => fail(`it has more than ${limits.parts} parts`));
      parser.on('error', (error) => fail(error instanceof Error ? error.message : String(error)));
      parser.on('finish', () => resolve(parts));
      parser.end(body);
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error));
    }
  });
}
