/** http-function, with instances made by their plan. */
import { httpFunctionCases } from '../../../../test/contracts/guest/http-function.contract.ts';

httpFunctionCases('plan');
