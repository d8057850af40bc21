/** For drizzle-kit, which writes the next migration from the schema, without a database. */
import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: ['./control-plane/db/schema/catalog.ts', './control-plane/db/schema/events.ts'],
  out: './control-plane/db/migrations',
});
