/** Limits of HTTP in the tunnel. http.ts explains the terms. */

/** Maximum number of bytes of one body that are in flight without a credit. */
export const streamWindowBytes = 256 * 1024;
/** Maximum size of one part of a body, in bytes. */
export const maxPartBytes = 64 * 1024;
/** Maximum number of headers in one head. */
export const maxHeaders = 256;
/** Maximum length of all header names and values of one head together, in characters. */
export const maxHeaderCharacters = 64 * 1024;
/** Maximum length of one header name, in characters. */
export const maxHeaderNameCharacters = 256;
