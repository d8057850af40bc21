/**
 * Node's HTTP, without what an `import` of it costs: Node reads all properties of a builtin module that is imported,
 * and one of `node:http`'s (`WebSocket`) loads an HTTP client of 16 MB that nothing here uses. Types are imported from
 * `node:http` as everywhere.
 */
export const { createServer, request } = process.getBuiltinModule('node:http');
