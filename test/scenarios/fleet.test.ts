import { fleetCases } from '../contracts/fleet/fleet.contract.ts';

// On PGlite, in the control plane's own data directory.
fleetCases(async () => ({}));
