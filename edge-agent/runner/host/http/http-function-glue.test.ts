/** http-function, with instances made on jco's glue. */
import { httpFunctionCases } from './http-function.cases.ts';

httpFunctionCases('glue');
