/** Answers of the scripted API that several tests of commands need. */

/** The manifest of a function. */
export const manifest = {
  limits: {
    memory_bytes: 67_108_864,
    timeout_ms: 5_000,
    input_bytes: 1_048_576,
    output_bytes: 1_048_576,
    body_bytes: 4_294_967_296,
    log_bytes_per_second: 16_384,
    concurrency: 10_000,
    keyvalue_bytes: 1_048_576,
  },
  env: { A: '1' },
  args: [],
  capabilities: { http: ['old.example'], networks: ['lan'], directories: [] },
  config: {},
  instance: 'fresh',
  retry: { attempts: 3, base_ms: 1_000, cap_ms: 60_000 },
  placement: { labels: {} },
  tag: '',
};

/** The answer to a deploy: one of two agents failed. */
export const deployed = {
  name: 'hello',
  module: '_',
  revision: 1,
  digest: 'd'.repeat(64),
  world: 'skerry:function/handler',
  size: 2048,
  permissions: { added: [], removed: [] },
  agents: { total: 2, applied: 1, failed: [{ agent: 'pi-7', code: 'function_load_failed', message: 'bad code' }] },
};
