/**
 * Keeps the agent's heap small. V8 lets the space for new objects grow to tens of megabytes under load, and keeps it. A
 * device needs that memory elsewhere, and frequent collections of a small space often cost no more than rare ones of a
 * large space, because almost nothing in it survives.
 *
 * A setting at run time, because the agent is started in many ways; imported before everything else, because loading
 * the program makes that space grow first.
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--semi-space-growth-factor=1');
