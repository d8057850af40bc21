/** The REST contract, over real HTTP, for each database driver. */
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import type { DatabaseSettings } from '../../../control-plane/db/open.ts';
import { createFakeInvoker } from '../../../control-plane/testing/fakes.ts';
import { type Harness, startHarness } from '../../../control-plane/testing/harness.ts';
import { describeAttachments } from '../events/bindings.contract.ts';
import { describeCallbacks } from '../events/callbacks.contract.ts';
import { describeInvocationRequests } from '../events/invocation-requests.contract.ts';
import { describeInvocations } from '../events/invocations.contract.ts';
import { describeSinks } from '../events/sinks.contract.ts';
import { describeTriggerAnswers } from '../events/trigger-answers.contract.ts';
import { describeAccess } from './access.contract.ts';
import { describeAgents } from './agents.contract.ts';
import { describeCapabilities } from './capabilities.contract.ts';
import { describeFunctions } from './functions.contract.ts';
import { describeInvocation } from './invocation.contract.ts';
import { describeModules } from './modules.contract.ts';
import { describeSubjects } from './subjects.contract.ts';
import { describeUploads } from './uploads.contract.ts';

/** One control plane serves all cases. @param database absent: PGlite */
export function describeRest(title: string, database: () => Promise<DatabaseSettings | undefined>): void {
  describe(title, () => {
    let harness: Harness;
    const h = () => harness;
    beforeAll(async () => {
      harness = await startHarness(await database());
    });
    afterAll(() => harness?.close());
    beforeEach(() => {
      harness.hub.rolloutAnswer = { agents: 0, applied: 0, failed: [] };
      harness.hub.rollouts = [];
      harness.hub.held = [];
      harness.invoker.behave = createFakeInvoker().behave;
    });

    describeAccess(h);
    describeModules(h);
    describeFunctions(h);
    describeCapabilities(h);
    describeUploads(h);
    describeAttachments(h);
    describeTriggerAnswers(h);
    describeInvocation(h);
    describeInvocations(h);
    describeInvocationRequests(h);
    describeCallbacks(h);
    describeSinks(h);
    describeSubjects(h);
    describeAgents(h);
  });
}
