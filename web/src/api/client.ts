// One request to the REST API: a time limit, the access key where one was given, and errors as ApiError.
import type { ApiRequest } from "./requests.ts";
import type { Envelope } from "./types.ts";

const TIME_LIMIT_MS = 15_000;
const KEY_ITEM = "dalgona.key";

/** Why a request has no answer. `status` is 0 where no reply came at all. */
export class ApiError extends Error {
  readonly status: number;
  /** Seconds the server asks to wait (Retry-After), or null. */
  readonly retryAfter: number | null;

  constructor(status: number, detail: string, retryAfter: number | null = null) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** True where the same request may well succeed later: nobody answered, too many requests, a store is away. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

// The key lives as long as the tab: whoever uses the machine next does not inherit it.
let accessKey: string | null = null;
try {
  accessKey = sessionStorage.getItem(KEY_ITEM);
} catch {
  // No storage: the key is asked for once a visit.
}

const keyListeners = new Set<() => void>();

/** Calls `listener` after each change of the key; returns how to stop that. */
export function onAccessKey(listener: () => void): () => void {
  keyListeners.add(listener);
  return () => keyListeners.delete(listener);
}

export const hasAccessKey = () => accessKey !== null;

/** Sent with every request from now on; whoever was refused asks again. */
export function setAccessKey(key: string): void {
  accessKey = key;
  try {
    sessionStorage.setItem(KEY_ITEM, key);
  } catch {
    // As above.
  }
  for (const listener of keyListeners) listener();
}

/** Throws ApiError, or the signal's AbortError when `signal` fires. */
export async function ask<T>(request: ApiRequest<T>, signal: AbortSignal): Promise<Envelope<T>> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (accessKey) headers["Authorization"] = `Bearer ${accessKey}`;
  const init: RequestInit = {
    headers,
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIME_LIMIT_MS)]),
    credentials: "omit",
    cache: "no-store",
  };
  if (request.body) {
    headers["Content-Type"] = "application/json";
    init.method = "POST";
    init.body = JSON.stringify(request.body);
  }
  let response: Response;
  try {
    response = await fetch(request.path, init);
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ApiError(0, isTimeout(error) ? "The server took too long to answer." : "The server does not answer.");
  }
  let reply: unknown;
  try {
    reply = await response.json();
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ApiError(response.ok ? 0 : response.status, "The server's answer can't be read.", retryAfterOf(response));
  }
  if (!response.ok) throw new ApiError(response.status, detailOf(reply), retryAfterOf(response));
  return reply as Envelope<T>;
}

const isTimeout = (error: unknown) => error instanceof DOMException && error.name === "TimeoutError";

// RFC 9457 has the sentence in `detail`.
function detailOf(reply: unknown): string {
  const detail = reply && typeof reply === "object" && "detail" in reply ? reply.detail : null;
  return typeof detail === "string" && detail ? detail : "The server refused the request.";
}

function retryAfterOf(response: Response): number | null {
  const seconds = Number(response.headers.get("Retry-After") ?? "");
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 600) : null;
}
