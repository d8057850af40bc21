/**
 * The Hono application: its routes, and the handling of thrown errors. The endpoints of an invocation are in front of
 * it (api/invoke/dispatch.ts); here they are only described.
 */
import { OpenAPIHono } from '@hono/zod-openapi';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Sink } from '@skerry/shared/function/sinks.ts';
import type { Trigger } from '@skerry/shared/function/triggers.ts';
import type { SubjectService } from './access/subjects.ts';
import type { AgentService } from './agents/agents.ts';
import type { JoinTokenService } from './agents/join-tokens.ts';
import { addAgentMetricsRoutes } from './api/agent-metrics.ts';
import { addAgentRoutes } from './api/agents.ts';
import { addDocsRoutes } from './api/docs.ts';
import { addDeployRoutes } from './api/functions/deploy.ts';
import { addFunctionRoutes } from './api/functions/functions.ts';
import { addLogRoutes } from './api/functions/logs.ts';
import { addFunctionSinkRoutes } from './api/functions/sinks.ts';
import { addTriggerRoutes } from './api/functions/triggers.ts';
import { type AppEnv, createAccess } from './api/http/access.ts';
import { bodyError } from './api/http/body-error.ts';
import type { ErrorAnswer } from './api/http/errors.ts';
import type { PlainAnswer } from './api/http/problem.ts';
import { chooseRequestId } from './api/http/request-id.ts';
import { addInvocationRoutes } from './api/invocations.ts';
import { describeInvocation } from './api/invoke/json-endpoint.ts';
import { describeRawEndpoint } from './api/invoke/raw-endpoint.ts';
import { addJoinTokenRoutes } from './api/join-tokens.ts';
import { addModuleRoutes } from './api/modules.ts';
import { addSecretRoutes } from './api/secrets.ts';
import { addSinkRoutes } from './api/sinks.ts';
import { addStatusRoutes } from './api/status.ts';
import { addSubjectRoutes } from './api/subjects.ts';
import type { BindingService } from './bindings/bindings.ts';
import type { TriggerStatus } from './bindings/trigger-status.ts';
import type { FullCatalog } from './catalog/catalog.ts';
import type { FunctionService } from './functions/functions.ts';
import type { ModuleService } from './functions/modules.ts';
import type { RevisionService } from './functions/revisions.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { RequestMetrics } from './metrics/request-metrics.ts';
import type { CatalogFunction } from './model/catalog-function.ts';
import type { InvocationOperations } from './queue/operations.ts';
import type { SecretService } from './secrets/secrets.ts';
import type { SinkService } from './sinks/sinks.ts';
import type { FunctionAgent } from './tunnel/function-agents.ts';
import type { Hub } from './tunnel/hub.ts';

type AppOptions = {
  readonly catalog: FullCatalog;
  readonly modules: ModuleService;
  readonly functions: FunctionService;
  readonly revisions: RevisionService;
  readonly subjects: SubjectService;
  readonly agents: AgentService;
  readonly joinTokens: JoinTokenService;
  readonly functionAgents: (fn: CatalogFunction) => Promise<readonly FunctionAgent[]>;
  readonly hub: Pick<Hub, 'state' | 'revoke' | 'rollout' | 'connected' | 'scrape' | 'logs'>;
  readonly triggers: BindingService<Trigger>;
  readonly sinks: BindingService<Sink>;
  readonly sinkStates: SinkService;
  readonly triggerStatus: TriggerStatus;
  readonly secrets: SecretService;
  readonly operations: InvocationOperations;
  /** Key that signs callbacks to an address. */
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
    responseOf(answerError(error, c.get('requestId') ?? chooseRequestId(c.req.header('x-request-id')))),
  );
  app.notFound((c) => {
    const start = monotonic();
    const answer = answerError(
      new SkerryError('not_found', 'Not Found'),
      chooseRequestId(c.req.header('x-request-id')),
    );
    unknownRoute.observe(answer.status, monotonic() - start);
    return responseOf(answer);
  });

  const access = createAccess(catalog, requests, maxBodyBytes, monotonic);
  addStatusRoutes(app, { access, metrics: options.metrics, ready: options.ready });
  addDocsRoutes(app, access, options.version);
  describeInvocation(app.openAPIRegistry);
  describeRawEndpoint(app.openAPIRegistry);
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
