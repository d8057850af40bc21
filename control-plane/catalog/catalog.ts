/**
 * The catalog: modules, functions with their current revisions, and subjects, in memory. The hot path reads only this.
 * It is read again as a whole when the database's version has changed, here or elsewhere.
 *
 * Invariants: the content is one moment of the database. `version` never goes back. While the database is away the last
 * content stays.
 */

import { hashTokenHex } from '../crypto/tokens.ts';
import type { OnUnfit } from '../db/catalog/bindings.ts';
import { type CatalogContent, readContent } from '../db/catalog/content.ts';
import type { Store } from '../db/store.ts';
import type { Logger } from '../log/log.ts';
import type { CatalogFunction, RevisionFacts } from '../model/catalog-function.ts';
import type { Subject } from '../model/subject.ts';

export type Catalog = {
  readonly version: number;
  find(module: string, name: string): CatalogFunction | undefined;
  functions(): Iterable<CatalogFunction>;
  byId(functionId: string): CatalogFunction | undefined;
  /** The sealed value of a secret. */
  secret(name: string): Uint8Array | undefined;
  subjectByToken(token: string): Subject | undefined;
  /** Calls back with the new version after each change of the content; returns the function that ends this. */
  onChange(listener: (version: number) => void): () => void;
  /**
   * Resolves when the content is at least as new as the database was at the time of this call, or when the database was
   * found to be away. Never rejects.
   */
  refresh(): Promise<void>;
};

/** The catalog with its modules, revision facts and life cycle: for the composition root and the services of modules. */
export type FullCatalog = Catalog & {
  /** Names of all modules, in order. */
  modules(): readonly string[];
  hasModule(name: string): boolean;
  functionsIn(module: string): readonly CatalogFunction[];
  facts(functionId: string): RevisionFacts | undefined;
  /** False while the database is away. */
  readonly storeUp: boolean;
  /** Stops polling the database. */
  close(): void;
};

type CatalogOptions = {
  readonly store: Store;
  readonly log: Logger;
  /** Milliseconds between two looks for a version that another process raised. */
  readonly pollMs: number;
};

/** Reads the catalog for the first time. @throws SkerryError store_unavailable */
export async function openCatalog({ store, log, pollMs }: CatalogOptions): Promise<FullCatalog> {
  const onUnfit: OnUnfit = (row) => log.error(row, 'a trigger or sink cannot be read and is left out: set it again');
  let content = index((await readContent(store, undefined, onUnfit)) ?? empty);
  let storeUp = true;
  const listeners = new Set<(version: number) => void>();

  const load = async () => {
    try {
      const read = await readContent(store, content.version, onUnfit);
      if (!storeUp) log.info('the database is back');
      storeUp = true;
      if (!read) return;
      content = index(read);
    } catch (error) {
      if (storeUp) log.error({ err: error }, 'the catalog cannot be read; continuing with the content in memory');
      storeUp = false;
      return;
    }
    notifyListeners();
  };

  /** An error of one listener is not the database's fault and does not keep the change from the others. */
  const notifyListeners = () => {
    for (const listener of listeners) {
      try {
        listener(content.version);
      } catch (error) {
        log.error({ err: error, version: content.version }, 'a listener failed on a change of the catalog');
      }
    }
  };

  // A load that runs may have read the database before the caller's change: the caller waits for the next load.
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const refresh = (): Promise<void> => {
    if (!running) {
      running = load().finally(() => {
        running = undefined;
      });
      return running;
    }
    next ??= running.then(() => {
      next = undefined;
      return refresh();
    });
    return next;
  };
  const timer = setInterval(() => void refresh(), pollMs);

  return {
    get version() {
      return content.version;
    },
    get storeUp() {
      return storeUp;
    },
    find: (module, name) => content.modules.get(module)?.get(name),
    functions: () => content.byId.values(),
    byId: (functionId) => content.byId.get(functionId),
    secret: (name) => content.secrets.get(name),
    subjectByToken(token) {
      // The time that the lookup of a hash takes reveals nothing about the token.
      return content.subjects.get(hashTokenHex(token));
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    refresh,
    modules: () => [...content.modules.keys()],
    hasModule: (name) => content.modules.has(name),
    functionsIn: (module) => [...(content.modules.get(module)?.values() ?? [])],
    facts: (functionId) => content.facts.get(functionId),
    close: () => clearInterval(timer),
  };
}

const empty: CatalogContent = { version: 0, modules: [], functions: [], subjects: [], secrets: new Map() };

type Index = {
  readonly version: number;
  readonly modules: ReadonlyMap<string, ReadonlyMap<string, CatalogFunction>>;
  readonly byId: ReadonlyMap<string, CatalogFunction>;
  readonly facts: ReadonlyMap<string, RevisionFacts>;
  /** By the hash of their token, in hex. */
  readonly subjects: ReadonlyMap<string, Subject>;
  readonly secrets: ReadonlyMap<string, Uint8Array>;
};

function index(content: CatalogContent): Index {
  const modules = new Map<string, Map<string, CatalogFunction>>(content.modules.map((name) => [name, new Map()]));
  for (const { entry } of content.functions) modules.get(entry.module)?.set(entry.name, entry);
  return {
    version: content.version,
    modules,
    byId: new Map(content.functions.map(({ entry }) => [entry.id, entry])),
    facts: new Map(content.functions.map(({ entry, facts }) => [entry.id, facts])),
    subjects: new Map(content.subjects.map((row) => [Buffer.from(row.tokenHash).toString('hex'), row])),
    secrets: content.secrets,
  };
}
