/** command, with instances made on jco's glue. */
import { commandCases } from '../../../test/contracts/guest/command.contract.ts';

commandCases('glue');
