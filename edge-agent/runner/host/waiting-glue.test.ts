/** waiting, with instances made on jco's glue. */
import { waitingCases } from './waiting.cases.ts';

waitingCases('glue');
