import { createDatabase } from '@skerry/control-plane/testing/postgres.ts';
import { inject } from 'vitest';
import { fleetCases } from '../contracts/fleet/fleet.contract.ts';

// On a real Postgres.
fleetCases(async () => ({ DATABASE_URL: await createDatabase(inject('postgresUrl')) }));
