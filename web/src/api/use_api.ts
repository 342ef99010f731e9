// Asks the API from a component: cached, cancelled when the question changes, asked again after passing errors.
import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError, ask, onAccessKey } from "./client.ts";
import type { ApiRequest } from "./requests.ts";
import type { Envelope } from "./types.ts";

export interface Answer<T> {
  /** The newest answer known: to this question, or, with keepPrevious, to the one before it. */
  reply: Envelope<T> | undefined;
  /** True while `reply` answers an earlier question than the one asked. */
  isPrevious: boolean;
  /** Tells the question that `reply` answers from all others; empty without a reply. */
  question: string;
  error: ApiError | undefined;
  /** When the request is repeated after a passing error, in ms since the epoch. */
  retryAt: number | undefined;
  retry: () => void;
}

export interface Options {
  /** Show the answer to the question before until the new one is there (paging, sorting). */
  keepPrevious?: boolean;
  /** Ask again that often while the page is visible; 0 is never. */
  refreshMs?: number;
}

interface Held {
  key: string;
  reply: Envelope<unknown> | undefined;
  error: ApiError | undefined;
  retryAt: number | undefined;
}

const FRESH_MS = 10_000;
const CACHE_ENTRIES = 100;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 15_000;

// Oldest first; what is read moves to the end. Going back shows the page at once, with its scroll position, and then asks again.
const cache = new Map<string, { reply: Envelope<unknown>; at: number }>();

function recall(key: string) {
  const entry = cache.get(key);
  if (entry) {
    cache.delete(key);
    cache.set(key, entry);
  }
  return entry;
}

function remember(key: string, reply: Envelope<unknown>): void {
  cache.delete(key);
  cache.set(key, { reply, at: Date.now() });
  const oldest = cache.keys().next().value;
  if (cache.size > CACHE_ENTRIES && oldest !== undefined) cache.delete(oldest);
}

/** Doubles from one second to fifteen; what the server asks for counts more. */
export function retryDelayMs(failures: number, retryAfterSeconds: number | null): number {
  const backoff = Math.min(FIRST_RETRY_MS * 2 ** Math.max(0, failures - 1), LAST_RETRY_MS);
  return Math.max(backoff, (retryAfterSeconds ?? 0) * 1000);
}

/** `request` null asks nothing. */
export function useApi<T>(request: ApiRequest<T> | null, { keepPrevious = false, refreshMs = 0 }: Options = {}): Answer<T> {
  const key = request ? JSON.stringify([request.path, request.body ?? null]) : "";
  const [held, setHeld] = useState<Held | undefined>();
  const [round, setRound] = useState(0);
  const failures = useRef(0);
  const asked = useRef(request);
  asked.current = request;

  const retry = useCallback(() => {
    failures.current = 0;
    setRound((n) => n + 1);
  }, []);

  useEffect(() => {
    failures.current = 0;
  }, [key]);

  const refused = held?.key === key && held.error?.status === 401;
  useEffect(() => (refused ? onAccessKey(retry) : undefined), [refused, retry]);

  useEffect(() => {
    const question = asked.current;
    if (!question) return;
    const known = recall(key);
    if (known && round === 0 && Date.now() - known.at < FRESH_MS && refreshMs === 0) {
      setHeld({ key, reply: known.reply, error: undefined, retryAt: undefined });
      return;
    }
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = () => setRound((n) => n + 1);
    const againOnline = () => {
      if (failures.current > 0) again();
    };
    window.addEventListener("online", againOnline);
    const askLater = (ms: number) => {
      timer = setTimeout(function check() {
        // A page in the background waits until it is looked at.
        if (document.visibilityState === "visible") again();
        else timer = setTimeout(check, 1_000);
      }, ms);
    };
    ask(question, controller.signal).then(
      (reply) => {
        failures.current = 0;
        remember(key, reply);
        setHeld({ key, reply, error: undefined, retryAt: undefined });
        if (refreshMs > 0) askLater(refreshMs);
      },
      (cause: unknown) => {
        if (controller.signal.aborted) return;
        const error = cause instanceof ApiError ? cause : new ApiError(0, String(cause));
        failures.current += 1;
        const wait = error.isPassing ? retryDelayMs(failures.current, error.retryAfter) : undefined;
        setHeld((before) => ({
          key,
          reply: before?.key === key ? before.reply : cache.get(key)?.reply,
          error,
          retryAt: wait === undefined ? undefined : Date.now() + wait,
        }));
        if (wait !== undefined) askLater(wait);
      },
    );
    return () => {
      controller.abort();
      clearTimeout(timer);
      window.removeEventListener("online", againOnline);
    };
  }, [key, round, refreshMs]);

  if (held?.key === key) return { ...(held as Held & { reply: Envelope<T> | undefined }), isPrevious: false, question: key, retry };
  const known = key ? (cache.get(key)?.reply as Envelope<T> | undefined) : undefined;
  const previous = keepPrevious && key ? (held?.reply as Envelope<T> | undefined) : undefined;
  return { reply: known ?? previous, isPrevious: !known && !!previous, question: known ? key : previous && held ? held.key : "", error: undefined, retryAt: undefined, retry };
}
