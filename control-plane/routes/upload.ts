/**
 * The multipart body of function create and update, FunLess's fields and ours. What cannot be read at all is 400,
 * what can be read and is out of form is 422 with the field's name; nothing has been stored when either happens.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import { type Manifest, manifestSchema } from '@skerry/shared/manifest.ts';
import { namePattern } from '@skerry/shared/names.ts';
import * as z from 'zod';
import type { FunctionMetadata } from '../function-metadata.ts';
import { fieldError } from './problem.ts';

/** One event or sink of the request: the reason why it cannot be connected, in FunLess's shape. */
export type ConnectorResult = { readonly status: 'error'; readonly message: string };

export type FunctionUpload = {
  readonly name: string | undefined;
  readonly code: Uint8Array | undefined;
  readonly manifest: Manifest | undefined;
  readonly metadata: FunctionMetadata;
  /** How long the answer may wait for agents, in milliseconds; absent when the request does not say. */
  readonly waitMs: number | undefined;
  readonly events: readonly ConnectorResult[];
  readonly sinks: readonly ConnectorResult[];
};

const maxConnectors = 100;
/** Longest wait that a request can ask for, in milliseconds. */
export const maxWaitMs = 60_000;

/** @throws SkerryError bad_request, validation_failed */
export async function readUpload(body: Uint8Array, contentType: string | undefined): Promise<FunctionUpload> {
  const form = await parseForm(body, contentType);
  return {
    name: nameOf(textField(form, 'name')),
    code: await codeOf(form.get('code')),
    manifest: manifestOf(textField(form, 'manifest')),
    metadata: metadataOf(textField(form, 'metadata')),
    waitMs: waitOf(textField(form, 'wait_for_workers')),
    events: connectorsOf('events', textField(form, 'events')),
    sinks: connectorsOf('sinks', textField(form, 'sinks')),
  };
}

async function parseForm(body: Uint8Array, contentType: string | undefined): Promise<FormData> {
  if (!contentType?.toLowerCase().startsWith('multipart/form-data')) {
    throw new SkerryError('bad_request', 'The body must be multipart/form-data');
  }
  try {
    return await new Response(body, { headers: { 'content-type': contentType } }).formData();
  } catch (cause) {
    throw new SkerryError('bad_request', 'The body is not well-formed multipart/form-data', { cause });
  }
}

function textField(form: FormData, field: string): string | undefined {
  const value = form.get(field);
  if (value === null) return undefined;
  if (typeof value !== 'string') throw new SkerryError('bad_request', `${field} must be a text field`);
  return value;
}

function nameOf(name: string | undefined): string | undefined {
  if (name === undefined || namePattern.test(name)) return name;
  throw fieldError('name', name === '' ? "can't be blank" : 'must be 1 to 63 letters, digits, "_" or inner "-"');
}

async function codeOf(code: File | string | null): Promise<Uint8Array | undefined> {
  if (code === null) return undefined;
  if (typeof code === 'string') throw new SkerryError('bad_request', 'code must be a file part');
  if (code.size === 0) throw fieldError('code', "can't be blank");
  return new Uint8Array(await code.arrayBuffer());
}

function jsonField(field: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SkerryError('bad_request', `${field} is not JSON`, { cause });
  }
}

function manifestOf(text: string | undefined): Manifest | undefined {
  if (text === undefined) return undefined;
  const parsed = manifestSchema.safeParse(jsonField('manifest', text));
  if (parsed.success) return parsed.data;
  throw schemaError('manifest', parsed.error);
}

const metadataSchema = z.object({
  tag: z.string().max(160).nullish(),
  capacity: z
    .int()
    .min(-1)
    .max(2 ** 40)
    .nullish(),
});

function metadataOf(text: string | undefined): FunctionMetadata {
  if (text === undefined || text === '') return {};
  const value = jsonField('metadata', text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SkerryError('bad_request', 'metadata must be a JSON object');
  }
  const parsed = metadataSchema.safeParse(value);
  if (!parsed.success) throw schemaError('metadata', parsed.error);
  return { tag: parsed.data.tag ?? undefined, capacity: parsed.data.capacity ?? undefined };
}

function schemaError(field: string, error: z.ZodError): SkerryError {
  const messages = error.issues.map(({ path, message }) => (path.length ? `${path.join('.')}: ${message}` : message));
  return new SkerryError('validation_failed', `${field} ${messages.join('; ')}`, { fields: { [field]: messages } });
}

function waitOf(text: string | undefined): number | undefined {
  const value = text?.trim().toLowerCase();
  if (value === undefined || value === '' || value === 'true' || value === 'yes') return undefined;
  if (value === 'false' || value === 'no') return 0;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (ms <= maxWaitMs) return ms;
  throw new SkerryError('bad_request', `wait_for_workers must be true, false, or milliseconds up to ${maxWaitMs}`);
}

const connectorSchema = z.object({ type: z.string(), params: z.record(z.string(), z.unknown()) });

function connectorsOf(field: 'events' | 'sinks', text: string | undefined): ConnectorResult[] {
  if (text === undefined || text === '') return [];
  const items = jsonField(field, text);
  if (!Array.isArray(items)) throw new SkerryError('bad_request', `${field} must be a JSON array`);
  if (items.length > maxConnectors) throw fieldError(field, `must have at most ${maxConnectors} items`);
  return items.map((item) => {
    const parsed = connectorSchema.safeParse(item);
    const message = parsed.success
      ? `${field} of type "${parsed.data.type}" are not supported by this version`
      : `each of ${field} must have a type (text) and params (object)`;
    return { status: 'error', message };
  });
}
