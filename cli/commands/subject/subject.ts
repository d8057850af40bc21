import { Command } from 'commander';
import type { Terminal } from '../../terminal/terminal.ts';
import { createSubjectCommand } from './create.ts';
import { deleteSubjectCommand } from './delete.ts';
import { listSubjectsCommand } from './list.ts';
import { rotateSubjectCommand } from './rotate.ts';

/** `skerry subject`: who may use the API. */
export function subjectCommand(terminal: Terminal): Command {
  return new Command('subject')
    .description('Subjects: who may use the API. Needs the role admin.')
    .addCommand(listSubjectsCommand(terminal))
    .addCommand(createSubjectCommand(terminal))
    .addCommand(rotateSubjectCommand(terminal))
    .addCommand(deleteSubjectCommand(terminal));
}
