/** http-function, with instances made by their plan. */
import { httpFunctionCases } from './http-function.cases.ts';

httpFunctionCases('plan');
