/**
 * The functions that each agent must hold, derived from the catalog and the agent's labels. Agents with equal labels
 * share one list and its encoded frames, so that a change costs the same for one agent and for ten thousand.
 *
 * A generation is the catalog version at which the list last changed. It is derived, never stored: a control plane that
 * restarts takes the catalog's version for it, and agents find nothing to do.
 */
import { isHttp } from '@skerry/shared/function/bundle.ts';
import { selectCoreLimits, selectGrants } from '@skerry/shared/function/manifest.ts';
import { type Labels, labelsMatch } from '@skerry/shared/function/names.ts';
import type { ReadyTrigger } from '@skerry/shared/function/triggers.ts';
import { CodecError, controlCodec } from '@skerry/shared/tunnel/codec.ts';
import { type DesiredFunction, desiredPartBytes } from '@skerry/shared/tunnel/protocol.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Logger } from '../log/log.ts';
import type { CatalogFunction } from '../model/catalog-function.ts';

export type DesiredList = {
  readonly generation: number;
  readonly functions: readonly DesiredFunction[];
  /** Digests of all bundles in the list. */
  readonly bundles: ReadonlySet<string>;
  /** Ids of the functions in the list. */
  readonly ids: ReadonlySet<string>;
  /** The encoded `desired` frames: as many parts as needed. */
  readonly frames: readonly Uint8Array[];
};

/** The agent attributes that determine its function list. */
export type Listed = { readonly labels: Labels; readonly protocolVersion: number };

type DesiredLists = {
  /** The list for an agent, as of the catalog's current version. */
  forAgent(agent: Listed): DesiredList;
  /** Drops lists that no agent uses any longer. */
  keepOnly(agents: Iterable<Listed>): void;
};

/**
 * @param edgeTriggers the triggers of a function that its agents listen to, with their credentials
 * @param log gets the parts that fit in no frame
 */
export function createDesiredLists(
  catalog: Pick<Catalog, 'version' | 'functions'>,
  edgeTriggers: (fn: CatalogFunction) => readonly ReadyTrigger[],
  log: Pick<Logger, 'error'>,
): DesiredLists {
  const lists = new Map<string, { version: number; fingerprint: string; list: DesiredList }>();
  return {
    forAgent(agent) {
      const { labels } = agent;
      const key = keyOf(agent);
      const known = lists.get(key);
      if (known && known.version === catalog.version) return known.list;
      const functions = [...catalog.functions()]
        .filter((fn) => labelsMatch(fn.manifest.placement.labels, labels))
        .map((fn) => toDesired(fn, knowsTriggers(agent) ? edgeTriggers(fn) : undefined))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
      const fingerprint = JSON.stringify(functions);
      const list = known && known.fingerprint === fingerprint ? known.list : makeList(catalog.version, functions, log);
      lists.set(key, { version: catalog.version, fingerprint, list });
      return list;
    },
    keepOnly(agents) {
      const used = new Set([...agents].map(keyOf));
      for (const key of lists.keys()) if (!used.has(key)) lists.delete(key);
    },
  };
}

/** A part that fits in no frame is left out: the function's triggers, or else the function. All others are sent. */
function makeList(generation: number, wanted: DesiredFunction[], log: Pick<Logger, 'error'>): DesiredList {
  let functions = wanted;
  let frames: Uint8Array[];
  try {
    frames = encodeParts(generation, functions);
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause;
    functions = wanted.flatMap((fn) => fitting(fn, log) ?? []);
    frames = encodeParts(generation, functions);
  }
  return {
    generation,
    functions,
    bundles: new Set(functions.map((fn) => fn.bundle)),
    ids: new Set(functions.map((fn) => fn.id)),
    frames,
  };
}

function fitting(fn: DesiredFunction, log: Pick<Logger, 'error'>): DesiredFunction | undefined {
  const about = { function: `${fn.module}/${fn.name}` };
  for (const some of fn.triggers ? [fn, { ...fn, triggers: [] }] : [fn]) {
    try {
      encodeParts(0, [some]);
      return some;
    } catch (error) {
      const what = some.triggers?.length ? 'the triggers of a function' : 'a function';
      log.error({ ...about, err: error }, `${what} cannot be sent to agents`);
    }
  }
  return undefined;
}

function encodeParts(generation: number, functions: readonly DesiredFunction[]): Uint8Array[] {
  const parts: DesiredFunction[][] = [[]];
  let bytes = 0;
  for (const fn of functions) {
    const size = Buffer.byteLength(JSON.stringify(fn));
    if (bytes > 0 && bytes + size > desiredPartBytes) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(fn);
    bytes += size;
  }
  return parts.map((some, part) =>
    controlCodec.encode({ kind: 'desired', generation, part, last: part === parts.length - 1, functions: some }),
  );
}

function toDesired(fn: CatalogFunction, triggers: readonly ReadyTrigger[] | undefined): DesiredFunction {
  const { env, args, instance } = fn.manifest;
  return {
    id: fn.id,
    module: fn.module,
    name: fn.name,
    revision: fn.revision,
    bundle: fn.bundle,
    limits: selectCoreLimits(fn.manifest),
    env,
    args,
    instance,
    grants: selectGrants(fn.manifest),
    ...(triggers && {
      http: isHttp(fn.world),
      retry: fn.manifest.retry,
      triggers: [...triggers],
      keepInput: fn.sinks.some(({ spec }) => spec.params.envelope),
    }),
  };
}

/** Credentials go only to agents that use them. */
function knowsTriggers({ protocolVersion }: Listed): boolean {
  return protocolVersion >= 3;
}

function keyOf(agent: Listed): string {
  const labels = Object.entries(agent.labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([knowsTriggers(agent), labels]);
}
