import { fleetCases } from './fleet.cases.ts';

// On PGlite, in the control plane's own data directory.
fleetCases(async () => ({}));
