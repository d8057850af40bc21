/** waiting, with instances made by their plan. */
import { waitingCases } from './waiting.cases.ts';

waitingCases('plan');
