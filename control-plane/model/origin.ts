/** The origin and the state of an invocation. */

/** State of a stored invocation. `dead`: its attempts are used up, or its input is invalid. */
export const invocationStates = ['queued', 'running', 'succeeded', 'dead', 'cancelled'] as const;
export type InvocationState = (typeof invocationStates)[number];

/** The origin of a stored invocation. */
export const invocationOrigins = ['api', 'mqtt', 'schedule'] as const;
export type InvocationOrigin = (typeof invocationOrigins)[number];
