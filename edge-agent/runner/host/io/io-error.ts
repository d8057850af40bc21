/** The resource `error` of wasi:io/error. */

export class IoError {
  #message = '';
  #httpCode: string | undefined;

  /**
   * @param message for the guest's own report; reveals nothing about the host's internals
   * @param httpCode the matching case of wasi:http's error-code, if there is one
   */
  static of(message: string, httpCode?: string): IoError {
    const error = new IoError();
    error.#message = message;
    error.#httpCode = httpCode;
    return error;
  }

  toDebugString(): string {
    return this.#message;
  }

  /** For `http-error-code` of wasi:http/types; undefined when the error does not come from HTTP. */
  static httpCodeOf(error: IoError): string | undefined {
    return error.#httpCode;
  }
}
