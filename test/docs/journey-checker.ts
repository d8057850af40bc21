/** Checks the numbered steps of the journeys in docs/ARCHITECTURE.md. */
import { readExportedNames } from './exported-names.ts';

/** A link to a file, and the exported name behind it. */
type Stop = { readonly file: string; readonly target: string; readonly name: string };

/** A numbered step with the lines that continue it. */
const stepPattern = /^\d+\. .*(?:\n {3,}\S.*)*/gm;
const stopPattern = /\[`([^`]+)`\]\(([^)]+)\)(?:\s+`(\w+)`)?/g;

/** @returns the steps below each heading of level 3 that has links in its steps, by heading */
export function readJourneys(page: string): ReadonlyMap<string, readonly (readonly Stop[])[]> {
  const [, part = ''] = page.split(/^## Three journeys$/m);
  const [journeys = ''] = part.split(/^## /m);
  const sections = journeys.split(/^### /m).slice(1);
  return new Map(
    sections.map((section) => [
      section.slice(0, section.indexOf('\n')),
      [...section.matchAll(stepPattern)].map(([step]) =>
        [...step.matchAll(stopPattern)].map(([, file = '', target = '', name = '']) => ({ file, target, name })),
      ),
    ]),
  );
}

/**
 * @param sourceOf the text of a file, by its path from the root; undefined when there is no such file
 * @returns the faults, as sentences
 */
export function checkJourneys(page: string, sourceOf: (file: string) => string | undefined): string[] {
  return [...readJourneys(page)].flatMap(([journey, steps]) => [
    ...(steps.length < 8 || steps.length > 14 ? [`"${journey}" has ${steps.length} steps`] : []),
    ...steps.flatMap((stops, at) => {
      if (stops.length === 0) return [`step ${at + 1} of "${journey}" names no file`];
      return stops.flatMap((stop) => checkStop(stop, sourceOf));
    }),
  ]);
}

function checkStop({ file, target, name }: Stop, sourceOf: (file: string) => string | undefined): string[] {
  if (target !== `../${file}`) return [`the link of ${file} leads to ${target}`];
  const source = sourceOf(file);
  if (source === undefined) return [`there is no file ${file}`];
  if (name === '') return [`no name follows ${file}`];
  return readExportedNames(source).has(name) ? [] : [`${file} does not export ${name}`];
}
