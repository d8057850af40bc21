/**
 * The document that a sink gets for an invocation. Without an envelope it is the function's result, as FunLess stores
 * it; with one it also has the facts about the invocation. Pure.
 *
 * Results stay text: they are checked, and go into the document as the function wrote them, so that long numbers do not
 * lose digits. A result that is no object cannot be a document and stands under `result`. The same holds for an object
 * with keys that begin with "_", which are CouchDB's (docs.couchdb.org, "Documents", section 1.2.1).
 */
import type { OutcomeRecord } from '../model/outcome.ts';
import type { SinkDocument } from './targets/open-sink.ts';

type DocumentForm = {
  /** A failed invocation has no result, and always comes in an envelope. */
  readonly envelope: boolean;
  /** The document contains the id, as CouchDB requires. */
  readonly underscoreId: boolean;
};

export function toDocument(outcome: OutcomeRecord, { envelope, underscoreId }: DocumentForm): SinkDocument {
  const members = envelope || outcome.error ? envelopeMembers(outcome) : resultMembers(outcome.output);
  const id = underscoreId ? [`"_id":${JSON.stringify(outcome.id)}`] : [];
  return { id: outcome.id, json: `{${[...id, ...members].join(',')}}` };
}

/** Members of the result object, or of the object around it. */
function resultMembers(output: Uint8Array | null): string[] {
  const { text, value } = read(output);
  if (text === undefined || !isPlain(value)) return [member('result', output)];
  // The text begins with "{" and ends with "}", apart from white space; an object without members adds none.
  return Object.keys(value).length === 0 ? [] : [text.trim().slice(1, -1)];
}

function envelopeMembers(outcome: OutcomeRecord): string[] {
  const { module, name, revision, agent, trigger, origin, attempts, input, output, error } = outcome;
  const facts = {
    id: outcome.id,
    function: name,
    module,
    revision,
    agent,
    trigger,
    origin,
    created_at: outcome.createdAt,
    started_at: outcome.startedAt,
    ended_at: outcome.endedAt,
    attempts,
  };
  return [
    ...Object.entries(facts).map(([key, value]) => `"${key}":${JSON.stringify(value)}`),
    ...(input ? [member('input', input)] : []),
    error ? `"error":${JSON.stringify(error)}` : member('result', output),
  ];
}

/** Under its name if it is JSON, else in base64 under `{name}_base64`. */
function member(name: string, bytes: Uint8Array | null): string {
  const { text } = read(bytes);
  return text === undefined
    ? `"${name}_base64":"${Buffer.from(bytes ?? []).toString('base64')}"`
    : `"${name}":${text.trim()}`;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text and its value, if it is JSON (RFC 8259) in UTF-8. */
function read(bytes: Uint8Array | null): { text?: string; value?: unknown } {
  try {
    const text = decoder.decode(bytes ?? new Uint8Array());
    return { text, value: JSON.parse(text) };
  } catch {
    return {};
  }
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return !Object.keys(value).some((key) => key.startsWith('_'));
}
