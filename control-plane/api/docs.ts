/** The OpenAPI document, and a page that shows it without outside assets. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Access, AppEnv } from './http/access.ts';

/** The only files of swagger-ui-dist that are served. */
const assets: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Skerry API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const start = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', deepLinking: true, validatorUrl: null });\n`;

const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

export function addDocsRoutes(app: OpenAPIHono<AppEnv>, access: Access, version: string): void {
  const directory = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  app.on('GET', ['/openapi.json'], ...access.open, (c) =>
    c.json(
      app.getOpenAPI31Document({
        openapi: '3.1.0',
        info: {
          title: 'Skerry',
          version,
          description: 'Runs functions on devices. Every route but those under "status" needs a bearer token.',
          license: { name: 'Apache-2.0' },
        },
      }),
    ),
  );
  app.on('GET', ['/docs', '/docs/'], ...access.open, (c) => c.html(page, 200, { 'content-security-policy': policy }));
  app.on('GET', ['/docs/start.js'], ...access.open, (c) =>
    c.body(start, 200, { 'content-type': 'text/javascript; charset=utf-8' }),
  );
  app.on('GET', ['/docs/:asset'], ...access.open, async (c) => {
    const asset = c.req.param('asset') ?? '';
    const type = Object.hasOwn(assets, asset) ? assets[asset] : undefined;
    if (type === undefined) throw new SkerryError('not_found', 'There is no such page');
    return c.body(new Uint8Array(await readFile(join(directory, asset))), 200, {
      'content-type': type,
      'cache-control': 'max-age=3600',
    });
  });
}
