import { describeRest } from './rest.cases.ts';

describeRest('REST on PGlite', async () => undefined);
