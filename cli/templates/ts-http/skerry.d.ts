/** The world wasi:http/incoming-handler in JavaScript. */

export type HttpFunction = {
  /** Answers one request; its path is what follows the function's name. A thrown error becomes an answer with status 500. */
  fetch(request: Request): Response | Promise<Response>;
};
