/**
 * Environment of the command line. Whoever exports it for their shell may start a control plane or an agent there, too,
 * which has no use for these names and does not take them for settings that are misspelt.
 */
export const cliEnvironmentNames = ['SKERRY_SERVER', 'SKERRY_TOKEN', 'SKERRY_CONFIG'] as const;
