/** Where an invocation comes from, and what has become of it. */

/** State of an invocation that is kept. `dead`: tried as often as its function allows, or out of form. */
export const invocationStates = ['queued', 'running', 'succeeded', 'dead', 'cancelled'] as const;
export type InvocationState = (typeof invocationStates)[number];

/** What started an invocation that is kept. */
export const invocationOrigins = ['api', 'mqtt', 'schedule'] as const;
export type InvocationOrigin = (typeof invocationOrigins)[number];
