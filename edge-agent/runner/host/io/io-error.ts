/** The resource `error` of wasi:io/error. */

export class IoError {
  #message = '';
  #httpCode: string | undefined;

  /**
   * @param message for the guest's own report; says nothing of the host's insides
   * @param httpCode the case of wasi:http's error-code that this is, if it is one
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

  /** For `http-error-code` of wasi:http/types; undefined when the error has nothing to do with HTTP. */
  static httpCodeOf(error: IoError): string | undefined {
    return error.#httpCode;
  }
}
