/** waiting, with instances made by their plan. */
import { waitingCases } from '../../../test/contracts/guest/waiting.contract.ts';

waitingCases('plan');
