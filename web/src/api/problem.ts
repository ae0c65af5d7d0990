import type { FieldError, ProblemDetails } from "./schema";

/** Why a call did not succeed, in the API's own words. `code` is stable; `network` when no answer came. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly code: string,
    message: string,
    /** The HTTP status; 0 when no answer came. */
    readonly status = 0,
    readonly errors: readonly FieldError[] = [],
    readonly requestId: string | null = null,
    /** Seconds after which to try again, where the server says so. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }

  /** Whether the same call may succeed later without anybody changing it. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500 || this.code === "busy";
  }

  /** What is wrong with the field of the body that `pointer` names (RFC 6901), if something is. */
  field(pointer: string): string | undefined {
    return this.errors.find((error) => error.pointer === pointer)?.detail;
  }
}

/** The error that a response tells of. */
export async function problemOf(response: Response): Promise<ApiError> {
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  const said: Partial<ProblemDetails> = await response.json().catch(() => ({}));
  return new ApiError(
    said.code ?? "internal",
    said.detail ?? said.title ?? `The server answered with status ${response.status}.`,
    response.status,
    said.errors ?? [],
    said.requestId ?? response.headers.get("X-Request-Id"),
    Number.isFinite(seconds) ? seconds : null,
  );
}

/** What the API says of credentials is for programs: here it is in words for who is signed in. All else stays as it is. */
export function forPerson(problem: ApiError): ApiError {
  const { code, status, requestId, message } = problem;
  if (status === 401)
    return new ApiError(code, "Your sign-in has ended. Sign in again, then repeat this.", status, [], requestId);
  if (status === 403 && message.startsWith("this credential lacks"))
    return new ApiError(code, "Your role does not allow this, or not any more.", status, [], requestId);
  return problem;
}

/** No answer: the network, or the server, is away. */
export function unreachable(): ApiError {
  return new ApiError("network", "The server cannot be reached. Check the connection and try again.");
}

/** A sentence for a person, whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof Error && error.message) return sentence(error.message);
  return "Something went wrong.";
}

/** The API's details are phrases; in a page they are sentences. */
export function sentence(text: string): string {
  const first = text.slice(0, 1).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}
