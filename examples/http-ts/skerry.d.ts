/** What the world wasi:http/incoming-handler is to JavaScript. */

export type HttpFunction = {
  /** Answers one request; its path is what follows the function's name. What it throws is an answer with status 500. */
  fetch(request: Request): Response | Promise<Response>;
};
