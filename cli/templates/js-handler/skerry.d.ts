/** The function of wit/handler.wit: `invoke: func(input: string) -> result<string, string>`. */

/** @param input JSON text @returns JSON text @throws the error's message, as a string */
export type Invoke = (input: string) => string;
