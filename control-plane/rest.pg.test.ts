import { inject } from 'vitest';
import { describeRest } from './rest.cases.ts';
import { createDatabase } from './testing/postgres.ts';

describeRest('REST on Postgres', async () => ({ driver: 'pg', url: await createDatabase(inject('postgresUrl')) }));
