import { describeRest } from '../test/contracts/rest/rest.contract.ts';

describeRest('REST on PGlite', async () => undefined);
