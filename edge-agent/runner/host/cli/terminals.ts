/** wasi:cli/terminal-*: no stream of a function is a terminal. */

class TerminalInput {}
class TerminalOutput {}

const none = () => undefined;

export const terminals: Record<string, object> = {
  'wasi:cli/terminal-input': { TerminalInput },
  'wasi:cli/terminal-output': { TerminalOutput },
  'wasi:cli/terminal-stderr': { getTerminalStderr: none },
  'wasi:cli/terminal-stdin': { getTerminalStdin: none },
  'wasi:cli/terminal-stdout': { getTerminalStdout: none },
};
