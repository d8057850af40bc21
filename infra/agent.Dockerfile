# The agent. Build from the root of the repository:
#   docker build -f infra/agent.Dockerfile -t skerry/agent .
FROM node:26.10.0-bookworm-slim AS build
WORKDIR /app
# The lockfile covers all workspaces, so npm needs the manifests of all. Only what this workspace needs is installed.
COPY package.json package-lock.json .npmrc ./
COPY shared/package.json shared/
COPY control-plane/package.json control-plane/
COPY edge-agent/package.json edge-agent/
COPY cli/package.json cli/
COPY test/package.json test/
RUN npm ci --omit=dev --workspace=@skerry/edge-agent
COPY shared shared
COPY edge-agent edge-agent
# Besides Node, a device needs only these three files.
RUN node edge-agent/build.ts

FROM node:26.10.0-bookworm-slim
# The two memory settings save a few megabytes in an idle agent. Neither can be set from inside (docs/decisions/0011).
ENV NODE_ENV=production \
    SKERRY_DATA=/var/lib/skerry-agent \
    MALLOC_ARENA_MAX=1 \
    NODE_OPTIONS=--max-semi-space-size=1 \
    SKERRY_METRICS_PORT=9464
RUN install -d -o node -g node -m 0700 /var/lib/skerry-agent
WORKDIR /app
COPY --from=build /app/edge-agent/dist edge-agent/dist
USER node
VOLUME /var/lib/skerry-agent
# The metrics are for this check and for a Prometheus in the agent's network. No port is exposed.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.SKERRY_METRICS_PORT + '/metrics').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "edge-agent/dist/agent.mjs"]
