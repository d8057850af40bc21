/** command, with instances made on jco's glue. */
import { commandCases } from './command.cases.ts';

commandCases('glue');
