/** Components built from our own sources (scripts/build-fixtures); each file's header says what its inputs do. */
import { readFileSync } from 'node:fs';

const read = (name: string): Uint8Array => readFileSync(new URL(`../fixtures/${name}.wasm`, import.meta.url));

/** World skerry:function/handler. */
export const handlerComponent = (): Uint8Array => read('handler');
/** A WASI preview1 command module. */
export const commandModule = (): Uint8Array => read('command');
