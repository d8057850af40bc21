/**
 * Keeps the agent's heap small. V8 lets the space for new objects grow to tens of megabytes while there is work, and
 * holds on to them; a device has better uses for them, and collecting a small space often costs as little as
 * collecting a large one seldom, because almost nothing in it survives.
 *
 * As a setting at run time, because the agent is started in many ways, and imported before everything else, because
 * loading the program is what makes that space grow first.
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--semi-space-growth-factor=1');
