/** command, with instances made by their plan. */
import { commandCases } from '../../../test/contracts/guest/command.contract.ts';

commandCases('plan');
