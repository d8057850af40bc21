/** waiting, with instances made on jco's glue. */
import { waitingCases } from '../../../test/contracts/guest/waiting.contract.ts';

waitingCases('glue');
