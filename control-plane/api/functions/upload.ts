/**
 * The multipart body of function create and update: FunLess's fields and ours. An unreadable body is 400, an invalid
 * field is 422 with the field's name. In both cases nothing has been stored.
 */
import { isUtf8 } from 'node:buffer';
import { SkerryError } from '@skerry/shared/errors.ts';
import { type Manifest, manifestSchema } from '@skerry/shared/function/manifest.ts';
import { namePattern, textSchema } from '@skerry/shared/function/names.ts';
import { type Sink, sinkSchema } from '@skerry/shared/function/sinks.ts';
import { type Trigger, triggerSchema } from '@skerry/shared/function/triggers.ts';
import * as z from 'zod';
import type { FunctionMetadata } from '../../functions/metadata.ts';
import { fieldError } from '../http/problem.ts';
import { type FormPart, parseMultipart } from './multipart.ts';

/** Triggers or sinks of a request in its order, each valid, or with the reason why it is not. */
export type BindingList<Spec> = readonly (
  | { readonly spec: Spec; readonly message?: undefined }
  | { readonly spec?: undefined; readonly message: string }
)[];

export type FunctionUpload = {
  readonly name: string | undefined;
  readonly code: Uint8Array | undefined;
  readonly manifest: Manifest | undefined;
  readonly metadata: FunctionMetadata;
  /** How long the answer may wait for agents, in milliseconds; absent when the request does not say. */
  readonly waitMs: number | undefined;
  /** Absent: the function keeps its list. */
  readonly events: BindingList<Trigger> | undefined;
  readonly sinks: BindingList<Sink> | undefined;
  /** How long the answer may wait for the triggers' connections, in milliseconds; 0: not at all. */
  readonly eventsWaitMs: number;
};

const maxConnectors = 100;
/** Longest wait that a request may ask for, in milliseconds. */
const maxWaitMs = 60_000;

type Parts = ReadonlyMap<string, FormPart>;

/** Rejects with SkerryError bad_request, validation_failed. */
export async function readUpload(body: Buffer, contentType: string | undefined): Promise<FunctionUpload> {
  const parts = await parseMultipart(body, contentType);
  return {
    name: nameOf(textField(parts, 'name')),
    code: codeOf(parts.get('code')),
    manifest: manifestOf(textField(parts, 'manifest')),
    metadata: metadataOf(textField(parts, 'metadata')),
    waitMs: waitOf('wait_for_workers', textField(parts, 'wait_for_workers')),
    events: connectorsOf('events', triggerSchema, textField(parts, 'events')),
    sinks: connectorsOf('sinks', sinkSchema, textField(parts, 'sinks')),
    eventsWaitMs: eventsWaitOf(textField(parts, 'wait_for_events')),
  };
}

function textField(parts: Parts, field: string): string | undefined {
  const part = parts.get(field);
  if (part === undefined) return undefined;
  if (part.file || !isUtf8(part.bytes)) throw new SkerryError('bad_request', `${field} must be a text field`);
  return part.bytes.toString();
}

function nameOf(name: string | undefined): string | undefined {
  if (name === undefined || namePattern.test(name)) return name;
  throw fieldError('name', name === '' ? "can't be blank" : 'must be 1 to 63 letters, digits, "_" or inner "-"');
}

function codeOf(part: FormPart | undefined): Uint8Array | undefined {
  if (part === undefined) return undefined;
  if (!part.file) throw new SkerryError('bad_request', 'code must be a file part');
  if (part.bytes.byteLength === 0) throw fieldError('code', "can't be blank");
  return part.bytes;
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
  tag: textSchema(160).nullish(),
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

/** The wait for `true`, in milliseconds. */
const eventsWaitMs = 5_000;

function eventsWaitOf(text: string | undefined): number {
  return text === undefined || text === '' ? 0 : (waitOf('wait_for_events', text) ?? eventsWaitMs);
}

/** Undefined for `true`: the default. */
function waitOf(field: string, text: string | undefined): number | undefined {
  const value = text?.trim().toLowerCase();
  if (value === undefined || value === '' || value === 'true' || value === 'yes') return undefined;
  if (value === 'false' || value === 'no') return 0;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (ms <= maxWaitMs) return ms;
  throw new SkerryError('bad_request', `${field} must be true, false, or milliseconds up to ${maxWaitMs}`);
}

/**
 * An invalid trigger or sink does not spoil the others: FunLess answers for each by itself.
 * @throws SkerryError bad_request, validation_failed, when the value is no list
 */
function connectorsOf<Spec>(
  field: 'events' | 'sinks',
  schema: z.ZodType<Spec>,
  text: string | undefined,
): BindingList<Spec> | undefined {
  if (text === undefined || text === '') return undefined;
  const items = jsonField(field, text);
  if (!Array.isArray(items)) throw new SkerryError('bad_request', `${field} must be a JSON array`);
  if (items.length > maxConnectors) throw fieldError(field, `must have at most ${maxConnectors} items`);
  return items.map((item) => {
    const parsed = schema.safeParse(item);
    if (parsed.success) return { spec: parsed.data };
    const faults = parsed.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(' '));
    return { message: faults.join('; ') };
  });
}
