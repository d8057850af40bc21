/** The commands below `skerry`, in the order of its help, which loads none of them. */
import type { TopCommand } from '../tree/load.ts';

/** @param setExitCode for a command that ends well with another exit code than 0 */
export function topCommands(setExitCode: (code: number) => void): Readonly<Record<string, TopCommand>> {
  return {
    login: {
      summary: 'Check a token and keep it, with its server, for later commands.',
      hasOptions: true,
      load: async () => (await import('./login.ts')).loginCommand,
    },
    mod: {
      summary: 'Modules: namespaces of functions. The default one is "_".',
      load: async () => (await import('./mod/mod.ts')).moduleCommand,
    },
    fn: {
      summary: 'Functions: write, build, deploy, call, inspect, delete.',
      load: async () => (await import('./fn/fn.ts')).functionCommand,
    },
    trigger: {
      summary: 'Triggers: MQTT messages and schedules that start functions.',
      load: async () => (await import('./trigger/trigger.ts')).triggerCommand,
    },
    sink: {
      summary: 'Sinks: receivers of the outcomes of functions.',
      load: async () => (await import('./sink/sink.ts')).sinkCommand,
    },
    secret: {
      summary: 'Secrets: credentials that triggers and sinks name. Setting them needs the role admin.',
      load: async () => (await import('./secret/secret.ts')).secretCommand,
    },
    invocation: {
      summary: 'Recorded invocations: asynchronous ones, those of triggers, those with a sink.',
      load: async () => (await import('./invocation/invocation.ts')).invocationCommand,
    },
    agent: {
      summary: 'Run an agent on this device; or, with a subcommand, manage agents.',
      hasOptions: true,
      load: async () => (await import('./agent/agent.ts')).agentCommand,
    },
    subject: {
      summary: 'Subjects: the users of the API. Needs the role admin.',
      load: async () => (await import('./subject/subject.ts')).subjectCommand,
    },
    up: {
      summary: 'Run a control plane and one agent on this machine until Ctrl-C.',
      hasOptions: true,
      load: async () => {
        const { upCommand } = await import('./up.ts');
        return (terminal) => upCommand(terminal, setExitCode);
      },
    },
    'control-plane': {
      summary: 'Run the control plane. All its settings are environment variables; these are the common ones.',
      hasOptions: true,
      load: async () => (await import('./control-plane.ts')).controlPlaneCommand,
    },
  };
}
