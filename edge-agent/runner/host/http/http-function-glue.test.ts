/** http-function, with instances made on jco's glue. */
import { httpFunctionCases } from '../../../../test/contracts/guest/http-function.contract.ts';

httpFunctionCases('glue');
