/** The JavaScript example as a component, built as a user would build it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export function buildExample(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-example-'));
  const output = join(folder, 'hello.wasm');
  const [script, source] = ['../../scripts/build-example.ts', '../../examples/hello-js/handler.js'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  try {
    execFileSync(process.execPath, [script ?? '', source ?? '', output], { stdio: 'pipe' });
    return readFileSync(output);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
