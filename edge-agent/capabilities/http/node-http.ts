/**
 * Node's HTTP without the cost of an `import`: Node reads all properties of an imported builtin module, and one of
 * `node:http`'s (`WebSocket`) loads an HTTP client of 16 MB that is never used here. Types are imported from
 * `node:http` as everywhere.
 */
export const { createServer, request } = process.getBuiltinModule('node:http');
