/**
 * Databases and documents in memory, by the rules of CouchDB (docs.couchdb.org, "API Reference"): ids, revisions,
 * conflicts, reserved members. A request that breaks a rule throws CouchDB's answer.
 */
import { createHash, randomUUID } from 'node:crypto';

type CouchDocument = { readonly _id: string; readonly _rev: string; readonly [key: string]: unknown };

/** An answer that is not a success. */
export class CouchRefusal extends Error {
  readonly status: number;
  readonly error: string;

  constructor(status: number, error: string, reason: string) {
    super(reason);
    this.status = status;
    this.error = error;
  }
}

type Written = { readonly ok: true; readonly id: string; readonly rev: string };
type BulkResult = Written | { readonly id: string; readonly error: string; readonly reason: string };

export type CouchDatabase = {
  readonly documents: ReadonlyMap<string, CouchDocument>;
  /** One document; the documents of one request see each other. @throws CouchRefusal */
  put(given: unknown, id?: string): Written;
  /** Conflicts, and documents that `validate` forbids, are results. An invalid document refuses the whole request. */
  bulk(given: unknown): readonly BulkResult[];
};

/** Members that begin with "_" and have a meaning. */
const reserved = new Set(['_id', '_rev', '_revisions', '_attachments', '_deleted', '_conflicts', '_local_seq']);

/**
 * @param maxDocumentBytes largest document, as JSON
 * @param validate returns the reason why a document is forbidden, as a design document's `validate_doc_update` does
 */
export function createCouchDatabase(
  maxDocumentBytes: () => number,
  validate: (document: Record<string, unknown>) => string | undefined,
): CouchDatabase {
  const documents = new Map<string, CouchDocument>();

  const checked = (given: unknown, id?: string): Record<string, unknown> & { _id: string } => {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      throw new CouchRefusal(400, 'bad_request', 'Document must be a JSON object');
    }
    const document = given as Record<string, unknown>;
    const strange = Object.keys(document).find((key) => key.startsWith('_') && !reserved.has(key));
    if (strange !== undefined) {
      throw new CouchRefusal(400, 'doc_validation', `Bad special document member: ${strange}`);
    }
    const name = id ?? document._id ?? randomUUID().replaceAll('-', '');
    if (typeof name !== 'string' || name === '') {
      throw new CouchRefusal(400, 'illegal_docid', 'Document id must be a string');
    }
    if (name.startsWith('_')) {
      throw new CouchRefusal(400, 'illegal_docid', 'Only reserved document ids may start with underscore.');
    }
    if (Buffer.byteLength(JSON.stringify(document)) > maxDocumentBytes()) {
      throw new CouchRefusal(413, 'document_too_large', name);
    }
    return { ...document, _id: name };
  };

  const write = (document: Record<string, unknown> & { _id: string }): Written => {
    const before = documents.get(document._id)?._rev;
    if (before !== document._rev) throw new CouchRefusal(409, 'conflict', 'Document update conflict.');
    const forbidden = validate(document);
    if (forbidden !== undefined) throw new CouchRefusal(403, 'forbidden', forbidden);
    const { _rev, ...content } = document;
    const digest = createHash('md5').update(JSON.stringify(content)).digest('hex');
    const rev = `${Number.parseInt(before ?? '0', 10) + 1}-${digest}`;
    documents.set(document._id, { ...content, _rev: rev });
    return { ok: true, id: document._id, rev };
  };

  return {
    documents,
    put: (given, id) => write(checked(given, id)),
    bulk(given) {
      const docs = (given as { docs?: unknown } | null)?.docs;
      if (!Array.isArray(docs)) {
        throw new CouchRefusal(400, 'bad_request', 'POST body must include `docs` parameter.');
      }
      return docs
        .map((document) => checked(document))
        .map((document) => {
          try {
            return write(document);
          } catch (error) {
            if (!(error instanceof CouchRefusal)) throw error;
            return { id: document._id, error: error.error, reason: error.message };
          }
        });
    },
  };
}
