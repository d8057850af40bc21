# The control plane. Build from the root of the repository:
#   docker build -f infra/control-plane.Dockerfile -t skerry/control-plane .
FROM node:26.10.0-bookworm-slim AS manifests
WORKDIR /app
# The lockfile covers all workspaces, so npm needs the manifests of all. Only what this workspace needs is installed.
COPY package.json package-lock.json .npmrc ./
COPY shared/package.json shared/
COPY control-plane/package.json control-plane/
COPY edge-agent/package.json edge-agent/
COPY cli/package.json cli/
COPY test/package.json test/

# The libraries that the build leaves in node_modules.
FROM manifests AS dependencies
RUN SCARF_ANALYTICS=false npm ci --omit=dev --workspace=@skerry/control-plane

FROM manifests AS build
RUN SCARF_ANALYTICS=false npm ci --workspace=@skerry/control-plane
COPY shared shared
COPY control-plane control-plane
RUN node control-plane/release/build.ts

FROM node:26.10.0-bookworm-slim
ENV NODE_ENV=production \
    SKERRY_HOST=0.0.0.0 \
    PORT=4000 \
    SKERRY_DATA=/var/lib/skerry
RUN install -d -o node -g node -m 0700 /var/lib/skerry
WORKDIR /app
COPY --from=dependencies /app ./
COPY --from=build /app/control-plane/dist control-plane/dist
USER node
VOLUME /var/lib/skerry
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "control-plane/dist/control-plane.mjs"]
