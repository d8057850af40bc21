/** Version of the agent, as it is reported to the control plane. */
import manifest from './package.json' with { type: 'json' };

export const agentVersion: string = manifest.version;
