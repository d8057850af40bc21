/** What the REST side promises, over real HTTP; run against each way to a database. */
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { describeAccess } from './cases/access.cases.ts';
import { describeAgents } from './cases/agents.cases.ts';
import { describeAttachments } from './cases/attachments.cases.ts';
import { describeCallbacks } from './cases/callbacks.cases.ts';
import { describeCapabilities } from './cases/capabilities.cases.ts';
import { describeFunctions } from './cases/functions.cases.ts';
import { describeInvocation } from './cases/invocation.cases.ts';
import { describeInvocationRequests } from './cases/invocation-requests.cases.ts';
import { describeInvocations } from './cases/invocations.cases.ts';
import { describeModules } from './cases/modules.cases.ts';
import { describeSinks } from './cases/sinks.cases.ts';
import { describeSubjects } from './cases/subjects.cases.ts';
import { describeTriggerAnswers } from './cases/trigger-answers.cases.ts';
import { describeUploads } from './cases/uploads.cases.ts';
import type { DatabaseSettings } from './db/open.ts';
import { createFakeInvoker } from './testing/fakes.ts';
import { type Harness, startHarness } from './testing/harness.ts';

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
