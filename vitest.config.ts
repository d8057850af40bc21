/**
 * Two projects, so that Postgres is started only when a test that needs it runs: `*.test.ts` everywhere, and
 * `*.pg.test.ts`, which find its URL by `inject('postgresUrl')`.
 *
 * Two workers: tests start whole processes, and more of them at once only make each other late.
 */
import { configDefaults, defineConfig } from 'vitest/config';

const postgresTests = '**/*.pg.test.ts';
const exclude = [...configDefaults.exclude, '**/.skerry/**'];

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    expect: { requireAssertions: true },
    projects: [
      {
        extends: true,
        test: { name: 'base', include: ['**/*.test.ts'], exclude: [...exclude, postgresTests] },
      },
      {
        extends: true,
        test: {
          name: 'postgres',
          include: [postgresTests],
          exclude,
          globalSetup: ['./test/global-postgres.ts'],
        },
      },
    ],
  },
});
