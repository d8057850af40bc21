/** Fixtures as uploads. */
import { readFileSync } from 'node:fs';

/** By the name of its source in test/fixtures. */
export const fixture = (name: string): Uint8Array => readFileSync(new URL(`../fixtures/${name}.wasm`, import.meta.url));

/** A component that holds only an empty core module, as a section of another component (Binary.md). */
const inner = [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 1, 8, 0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const componentSection = 4;

/** The same component in a shape that runs only with jco's glue: it contains another component. */
export const glued = (component: Uint8Array): Uint8Array =>
  Uint8Array.from([...component, componentSection, inner.length, ...inner]);
