/**
 * Environment variables of the command line. A shell that exports them may also start a control plane or an agent.
 * Neither uses these names, and neither reports them as misspelt settings.
 */
export const cliEnvironmentNames = ['SKERRY_SERVER', 'SKERRY_TOKEN', 'SKERRY_CONFIG'] as const;
