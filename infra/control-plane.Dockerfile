# The control plane. Build from the root of the repository:
#   docker build -f infra/control-plane.Dockerfile -t skerry/control-plane .
FROM node:26.10.0-bookworm-slim AS dependencies
WORKDIR /app
# The manifests of all workspaces, since the lockfile speaks of all; then only what this one needs is installed.
COPY package.json package-lock.json .npmrc ./
COPY shared/package.json shared/
COPY control-plane/package.json control-plane/
COPY edge-agent/package.json edge-agent/
COPY cli/package.json cli/
COPY test/package.json test/
RUN SCARF_ANALYTICS=false npm ci --omit=dev --workspace=@skerry/control-plane

FROM node:26.10.0-bookworm-slim
ENV NODE_ENV=production \
    SKERRY_HOST=0.0.0.0 \
    PORT=4000 \
    SKERRY_DATA=/var/lib/skerry
RUN install -d -o node -g node -m 0700 /var/lib/skerry
WORKDIR /app
COPY --from=dependencies /app ./
COPY shared shared
COPY control-plane control-plane
USER node
VOLUME /var/lib/skerry
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "control-plane/main.ts"]
