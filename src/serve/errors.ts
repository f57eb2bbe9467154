/** @file Says what is wrong with a request, in the shape that OpenAI's API has for it. */
import { messageOf, UserError } from '../util/errors.js';

export interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string | null };
}

/** A request that is not answered, with the status and the words that its client gets. */
export class ApiError extends Error {
  override name = 'ApiError';

  /**
   * @param param the field that is wrong, where one is
   * @param code what programs tell it by, where they need to
   */
  constructor(
    readonly status: number,
    message: string,
    readonly param: string | null = null,
    readonly code: string | null = null,
  ) {
    super(message);
  }

  get body(): ErrorBody {
    const { message, param, code } = this;
    return { error: { message, type: typeOf(this.status), param, code } };
  }
}

/** OpenAI's names for kinds of errors. */
function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  if (status === 408 || status === 504) return 'timeout_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

export const badRequest = (message: string, param: string | null = null, code: string | null = null) =>
  new ApiError(400, message, param, code);

/** Runs what may refuse a field's value. @throws ApiError naming the field, in place of a UserError */
export function ofField<T>(param: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    // What precedes is the path of a file of the model's.
    throw error instanceof UserError
      ? badRequest(`${param}: ${error.message.replace(/^\/\S*: /, '')}`, param)
      : error;
  }
}

/**
 * Makes the error that a client is told of. Faults of the server are not told in detail.
 * @param dir the model's directory, which is nobody's business
 */
export function apiErrorOf(error: unknown, dir: string): ApiError {
  if (error instanceof ApiError) return error;
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  if (error instanceof UserError) return badRequest(error.message.replaceAll(`${dir}/`, ''));
  if (code === 'ERR_OUT_OF_MEMORY')
    return new ApiError(503, 'there is not enough memory for this request at the moment');
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new ApiError(415, 'the body must come as JSON, with the header "content-type: application/json"');
  // Fastify's own: a body that is too large, not JSON, of another type.
  if (
    typeof code === 'string' &&
    code.startsWith('FST_') &&
    typeof statusCode === 'number' &&
    statusCode < 500
  )
    return new ApiError(statusCode, messageOf(error));
  return new ApiError(500, 'the server failed at this request; its terminal says why');
}
