/**
 * wasi:config: the values of the manifest's `config`, to be read. Of the interface's two drafts, `store` and `runtime`
 * have the same functions.
 */

/** @param values as the revision declares them */
export function createConfig(values: Readonly<Record<string, string>>): Record<string, object> {
  const reader = {
    /** The guest chooses the key; only what was declared is there. */
    get: (key: string): string | undefined => (Object.hasOwn(values, key) ? values[key] : undefined),
    getAll: (): [string, string][] => Object.entries(values),
  };
  return { 'wasi:config/store': reader, 'wasi:config/runtime': reader };
}
