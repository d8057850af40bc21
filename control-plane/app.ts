/**
 * The Hono application: which routes there are, and what happens to what they throw. The doors to an invocation are
 * in front of it (routes/doors.ts); here they are only described.
 */
import { OpenAPIHono } from '@hono/zod-openapi';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Sink } from '@skerry/shared/sinks.ts';
import type { Trigger } from '@skerry/shared/triggers.ts';
import type { AgentService } from './agents.ts';
import type { AttachmentService } from './attachments.ts';
import type { Directory } from './catalog.ts';
import type { CatalogFunction } from './catalog-function.ts';
import type { FunctionService } from './functions.ts';
import type { Holder } from './holders.ts';
import type { InvocationDesk } from './invocation-desk.ts';
import type { JoinTokenService } from './join-tokens.ts';
import type { Metrics } from './metrics.ts';
import type { ModuleService } from './modules.ts';
import type { RequestMetrics } from './request-metrics.ts';
import type { RevisionService } from './revisions.ts';
import { type AppEnv, createAccess } from './routes/access.ts';
import { addAgentMetricsRoutes } from './routes/agent-metrics.ts';
import { addAgentRoutes } from './routes/agents.ts';
import { bodyError } from './routes/body-error.ts';
import { addDeployRoutes } from './routes/deploy.ts';
import { addDocsRoutes } from './routes/docs.ts';
import type { ErrorAnswer } from './routes/errors.ts';
import { addFunctionSinkRoutes } from './routes/function-sinks.ts';
import { addFunctionRoutes } from './routes/functions.ts';
import { describeInvocation } from './routes/invocation.ts';
import { addInvocationRoutes } from './routes/invocations.ts';
import { addJoinTokenRoutes } from './routes/join-tokens.ts';
import { addLogRoutes } from './routes/logs.ts';
import { addModuleRoutes } from './routes/modules.ts';
import type { PlainAnswer } from './routes/problem.ts';
import { describeRawDoor } from './routes/raw.ts';
import { requestIdOf } from './routes/request-id.ts';
import { addSecretRoutes } from './routes/secrets.ts';
import { addSinkRoutes } from './routes/sinks.ts';
import { addStatusRoutes } from './routes/status.ts';
import { addSubjectRoutes } from './routes/subjects.ts';
import { addTriggerRoutes } from './routes/triggers.ts';
import type { SecretService } from './secrets.ts';
import type { SinkService } from './sinks/sinks.ts';
import type { SubjectService } from './subjects.ts';
import type { TriggerPlaces } from './trigger-places.ts';
import type { Hub } from './tunnel/hub.ts';

export type AppOptions = {
  readonly catalog: Directory;
  readonly modules: ModuleService;
  readonly functions: FunctionService;
  readonly revisions: RevisionService;
  readonly subjects: SubjectService;
  readonly agents: AgentService;
  readonly joinTokens: JoinTokenService;
  readonly holders: (fn: CatalogFunction) => Promise<readonly Holder[]>;
  readonly hub: Pick<Hub, 'state' | 'revoke' | 'rollout' | 'connected' | 'scrape' | 'logs'>;
  readonly triggers: AttachmentService<Trigger>;
  readonly sinks: AttachmentService<Sink>;
  readonly sinkStates: SinkService;
  readonly triggerPlaces: TriggerPlaces;
  readonly secrets: SecretService;
  readonly desk: InvocationDesk;
  /** Key with which callbacks to an address are signed. */
  readonly callbackSecret: (url: URL) => string;
  readonly metrics: Metrics;
  readonly requests: RequestMetrics;
  readonly answerError: ErrorAnswer;
  readonly ready: () => boolean;
  readonly maxUploadBytes: number;
  readonly maxBodyBytes: number;
  readonly waitForWorkersMs: number;
  readonly version: string;
  readonly now: () => Date;
  /** Monotonic, in milliseconds. */
  readonly monotonic: () => number;
};

export type App = OpenAPIHono<AppEnv>;

export function createApp(options: AppOptions): App {
  const { catalog, requests, answerError, agents, hub, monotonic, maxBodyBytes } = options;
  const app = new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (!result.success) throw bodyError(result.error);
    },
  });
  const unknownRoute = requests.route('none');

  app.onError((error, c) =>
    responseOf(answerError(error, c.get('requestId') ?? requestIdOf(c.req.header('x-request-id')))),
  );
  app.notFound((c) => {
    const start = monotonic();
    const answer = answerError(new SkerryError('not_found', 'Not Found'), requestIdOf(c.req.header('x-request-id')));
    unknownRoute.observe(answer.status, monotonic() - start);
    return responseOf(answer);
  });

  const access = createAccess(catalog, requests, maxBodyBytes, monotonic);
  addStatusRoutes(app, { access, metrics: options.metrics, ready: options.ready });
  addDocsRoutes(app, access, options.version);
  describeInvocation(app.openAPIRegistry);
  describeRawDoor(app.openAPIRegistry);
  addModuleRoutes(app, { access, catalog, modules: options.modules });
  addDeployRoutes(app, { ...options, access });
  addFunctionRoutes(app, { ...options, access });
  addTriggerRoutes(app, { ...options, access });
  addFunctionSinkRoutes(app, { ...options, access });
  addSinkRoutes(app, { access, catalog, sinks: options.sinkStates });
  addSecretRoutes(app, access, options.secrets);
  addInvocationRoutes(app, { ...options, access });
  addLogRoutes(app, { access, catalog, hub });
  addJoinTokenRoutes(app, access, options.joinTokens);
  addAgentMetricsRoutes(app, access, hub);
  addAgentRoutes(app, { access, agents, hub, now: options.now });
  addSubjectRoutes(app, access, options.subjects);
  return app;
}

function responseOf({ status, headers, body }: PlainAnswer): Response {
  return new Response(body, { status, headers });
}
