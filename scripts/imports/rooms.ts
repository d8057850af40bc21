/**
 * Rooms: the first level of folders in a package. Each room lists the rooms of its package that it may use, so that a
 * reader of one room knows what else to read. The files in a package's root join the rooms and may use all of them;
 * `.` stands for that root. docs/ARCHITECTURE.md says what each room owns.
 */

export type Rooms = Readonly<Record<string, readonly string[]>>;

export const rooms: Rooms = {
  'shared/events': ['.', 'function'],
  'shared/function': ['.'],
  'shared/http': ['.'],
  'shared/listen': ['.', 'events', 'function', 'mqtt'],
  'shared/mqtt': ['.', 'events', 'function'],
  'shared/tunnel': ['.', 'function', 'http'],
  'shared/wit': [],

  'control-plane/access': ['catalog', 'crypto', 'db', 'model'],
  'control-plane/agents': ['crypto', 'db', 'log'],
  'control-plane/api': [
    'access',
    'agents',
    'bindings',
    'catalog',
    'db',
    'functions',
    'invoke',
    'log',
    'metrics',
    'model',
    'outbound',
    'outcomes',
    'queue',
    'secrets',
    'sinks',
    'tunnel',
  ],
  'control-plane/async': [],
  'control-plane/bindings': ['catalog', 'db', 'log', 'model', 'outbound', 'secrets', 'tunnel'],
  'control-plane/callbacks': ['db', 'log', 'outbound', 'queue'],
  'control-plane/catalog': ['crypto', 'db', 'log', 'model'],
  'control-plane/config': ['db', 'log'],
  'control-plane/crypto': [],
  'control-plane/db': ['log', 'model'],
  'control-plane/functions': ['catalog', 'db', 'prepare'],
  'control-plane/invoke': ['model', 'tunnel'],
  'control-plane/leases': ['db', 'log'],
  'control-plane/log': [],
  'control-plane/metrics': ['catalog', 'outcomes', 'queue', 'sinks', 'triggers', 'tunnel'],
  'control-plane/model': [],
  'control-plane/outbound': [],
  'control-plane/outcomes': ['async', 'catalog', 'db', 'invoke', 'log', 'model', 'queue', 'sinks'],
  'control-plane/prepare': [],
  'control-plane/queue': ['async', 'catalog', 'db', 'invoke', 'leases', 'log', 'model', 'sinks'],
  'control-plane/release': [],
  'control-plane/secrets': ['catalog', 'config', 'db', 'model'],
  'control-plane/sinks': ['async', 'catalog', 'db', 'leases', 'log', 'model', 'outbound', 'secrets'],
  'control-plane/triggers': ['catalog', 'db', 'leases', 'log', 'model', 'outbound', 'queue', 'secrets'],
  'control-plane/tunnel': ['agents', 'catalog', 'functions', 'log', 'model'],

  'edge-agent/capabilities': ['runner'],
  'edge-agent/desired': ['runner', 'storage'],
  'edge-agent/invoke': ['desired', 'runner'],
  'edge-agent/logs': ['runner'],
  'edge-agent/outbox': ['capabilities', 'invoke', 'runner', 'storage'],
  'edge-agent/runner': [],
  'edge-agent/storage': ['capabilities'],
  'edge-agent/triggers': ['outbox'],
  'edge-agent/tunnel': [],

  'cli/api': ['terminal'],
  'cli/build': ['terminal'],
  'cli/commands': ['api', 'build', 'deploy', 'options', 'terminal', 'tree', 'up'],
  'cli/deploy': ['api', 'terminal'],
  'cli/options': ['api', 'terminal'],
  'cli/terminal': [],
  'cli/tree': ['terminal'],
  'cli/up': ['api', 'deploy', 'options', 'terminal'],

  'scripts/checks': [],
  'scripts/imports': [],
  'scripts/sensor-demo': [],
};

/** @returns the package and first folder of a path; the package alone for a file in its root */
export function readRoom(path: string): string {
  const parts = path.split('/');
  return parts.slice(0, parts.length > 2 ? 2 : 1).join('/');
}

/** @returns why a file of the room `from` may not use one of the room `to`; undefined when it may */
export function roomFault(from: string, to: string, known: Rooms): string | undefined {
  const [fromPackage, fromFolder] = from.split('/');
  const [toPackage, toFolder = '.'] = to.split('/');
  if (from === to || fromPackage !== toPackage || fromFolder === undefined) return undefined;
  const allowed = known[from];
  if (allowed === undefined) {
    return `${from}/ is a room that scripts/imports/rooms.ts does not know; list there which rooms it may use`;
  }
  if (allowed.includes(toFolder)) return undefined;
  return (
    `${from}/ must not use ${to}/. Move what both need to a room that both may use, or take it as a parameter; ` +
    'scripts/imports/rooms.ts lists what each room may use'
  );
}
