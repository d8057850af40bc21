/**
 * wasi:http/types as one instance sees it. The classes serve all instances; only objects that a guest makes need the
 * call.
 */
import { IoError } from '../io/io-error.ts';
import { type ErrorCode, errorCode } from './messages/error-code.ts';
import { Fields } from './messages/fields.ts';
import { FutureTrailers, IncomingBody } from './messages/incoming-body.ts';
import { IncomingRequest, IncomingResponse } from './messages/incoming-messages.ts';
import { OutgoingBody } from './messages/outgoing-body.ts';
import { OutgoingRequest } from './messages/outgoing-request.ts';
import { OutgoingResponse } from './messages/outgoing-response.ts';
import { RequestOptions } from './messages/request-options.ts';
import { FutureIncomingResponse } from './outgoing-handler.ts';
import { ResponseOutparam } from './response-outparam.ts';

/** @param signal of the call in progress */
export function createTypes(signal: () => AbortSignal) {
  return {
    Fields,
    FutureIncomingResponse,
    FutureTrailers,
    IncomingBody,
    IncomingRequest,
    IncomingResponse,
    OutgoingBody,
    OutgoingRequest: class extends OutgoingRequest {
      constructor(headers: Fields) {
        super(headers, signal);
      }
    },
    OutgoingResponse: class extends OutgoingResponse {
      constructor(headers: Fields) {
        super(headers, signal);
      }
    },
    RequestOptions,
    ResponseOutparam,
    httpErrorCode(error: IoError): ErrorCode | undefined {
      const name = IoError.httpCodeOf(error);
      return name === undefined ? undefined : errorCode(name);
    },
  };
}
