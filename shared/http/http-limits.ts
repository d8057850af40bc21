/** Bounds of HTTP on its way through the tunnel; what they are bounds of is in http.ts. */

/** Bytes of one body that may be on the way without a credit. */
export const streamWindowBytes = 256 * 1024;
/** Bytes of one part of a body at most. */
export const maxPartBytes = 64 * 1024;
/** Headers of one head at most. */
export const maxHeaders = 256;
/** Characters of all names and values of one head's headers at most. */
export const maxHeaderCharacters = 64 * 1024;
/** Characters of one header's name at most. */
export const maxHeaderNameCharacters = 256;
