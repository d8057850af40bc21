/**
 * Starts the control plane of a clone. It runs as a build that is made of the sources when they have changed
 * (release/current-build.ts), because Node takes seconds and twice the memory to load the sources themselves.
 * SKERRY_SOURCES=1, or a clone without the bundler: it runs from the sources.
 */
import { findBuild } from './release/current-build.ts';

const build = process.env.SKERRY_SOURCES === '1' ? undefined : await findBuild();
const { runProcess } = (build ? await import(build.href) : await import('./run.ts')) as typeof import('./run.ts');
await runProcess();
