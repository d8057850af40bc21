/** The form of names, and the module that always exists, for code that checks names without schemas. */

/** Letters, digits, `_` and inner `-`, 1 to 63 characters: fits a DNS label, and holds every FunLess name up to 63. */
export const namePattern = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;

/** The module that every installation has. It cannot be deleted or renamed. */
export const defaultModule = '_';
