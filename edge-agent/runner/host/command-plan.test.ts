/** command, with instances made by their plan. */
import { commandCases } from './command.cases.ts';

commandCases('plan');
