import { inject } from 'vitest';
import { describeRest } from '../test/contracts/rest/rest.contract.ts';
import { createDatabase } from './testing/postgres.ts';

describeRest('REST on Postgres', async () => ({ driver: 'pg', url: await createDatabase(inject('postgresUrl')) }));
