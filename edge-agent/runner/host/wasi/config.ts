/**
 * wasi:config: read access to the values of the manifest's `config`. The interface has two drafts; their interfaces
 * `store` and `runtime` have the same functions.
 */

/** @param values that the revision declares */
export function createConfig(values: Readonly<Record<string, string>>): Record<string, object> {
  const reader = {
    /** The guest chooses the key. Only declared values are found. */
    get: (key: string): string | undefined => (Object.hasOwn(values, key) ? values[key] : undefined),
    getAll: (): [string, string][] => Object.entries(values),
  };
  return { 'wasi:config/store': reader, 'wasi:config/runtime': reader };
}
