/** Version of the agent, as it tells the control plane. */
import manifest from './package.json' with { type: 'json' };

export const agentVersion: string = manifest.version;
