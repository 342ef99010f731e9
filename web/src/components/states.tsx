// What a page shows instead of data: trouble, nothing there, the question for a key.
import { useEffect, useState, type FormEvent, type ReactNode } from "react";
import { Link } from "react-router";
import { hasAccessKey, setAccessKey, type ApiError } from "../api/client.ts";
import type { Answer } from "../api/use_api.ts";
import { Mark } from "./icons.tsx";

export function Notice({ title, children, level = 2 }: { title: string; children?: ReactNode; level?: 1 | 2 }) {
  const Heading = level === 1 ? "h1" : "h2";
  return (
    <section className="notice">
      <Mark />
      <Heading className="notice-title" tabIndex={level === 1 ? -1 : undefined}>
        {title}
      </Heading>
      {children}
    </section>
  );
}

export function NotFound({ what = "page" }: { what?: string }) {
  return (
    <Notice title={`No such ${what}`} level={1}>
      <p>{what === "page" ? "Nothing is served at this address." : `This ${what} has not been collected, or its id is mistyped.`}</p>
      <p>
        <Link className="button button-main" to="/">
          To the leaderboard
        </Link>
      </p>
    </Notice>
  );
}

function useSecondsUntil(moment: number | undefined): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (moment === undefined) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [moment]);
  return moment === undefined ? 0 : Math.max(0, Math.ceil((moment - now) / 1000));
}

function titleOf(error: ApiError): string {
  if (error.status === 0) return "The API does not answer";
  if (error.status === 429) return "Too many requests";
  if (error.status >= 500) return "The API is in trouble";
  if (error.status === 403) return "This key may not read here";
  return "The API refused the question";
}

/** Trouble in place of data. Passing trouble says when it tries again; being asked for a key shows the field for one. */
export function Trouble({ answer }: { answer: Answer<unknown> }) {
  const { error, retryAt, retry } = answer;
  const seconds = useSecondsUntil(retryAt);
  if (!error) return null;
  if (error.status === 401) return <KeyForm />;
  return (
    <Notice title={titleOf(error)}>
      <p role="alert">{error.message}</p>
      <p className="muted">
        {retryAt !== undefined ? <span aria-hidden="true">{seconds > 0 ? `Trying again in ${seconds} s` : "Trying again…"} </span> : null}
      </p>
      <p>
        <button type="button" className="button button-main" onClick={retry}>
          Try now
        </button>
      </p>
    </Notice>
  );
}

/** Says that the data shown is older than it should be. Lies over the page's foot, so that nothing moves when it comes. */
export function StaleNote({ answer }: { answer: Answer<unknown> }) {
  const seconds = useSecondsUntil(answer.retryAt);
  if (!answer.error) return null;
  return (
    <p className="stale-note" role="status">
      {answer.error.message} What you see is the last answer.
      {answer.retryAt !== undefined ? <span aria-hidden="true"> Trying again{seconds > 0 ? ` in ${seconds} s` : "…"}</span> : null}
      <button type="button" className="link" onClick={answer.retry}>
        Try now
      </button>
    </p>
  );
}

function KeyForm() {
  const [key, setKey] = useState("");
  // A key that was in use when this form was asked for, or again, is one that was refused.
  const [isRefused, setRefused] = useState(hasAccessKey);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!key.trim()) return;
    setAccessKey(key.trim());
    setRefused(true);
  };
  return (
    <Notice title="An access key, please">
      <p>
        This server answers only with a key. Its owner makes one with <code>dalgona coffee keys create</code>.
      </p>
      <form className="key-form" onSubmit={submit}>
        <label>
          <span className="visually-hidden">Access key</span>
          <input type="password" autoComplete="off" spellCheck={false} value={key} onChange={(event) => setKey(event.target.value)} placeholder="Access key" aria-invalid={isRefused} required />
        </label>
        <button type="submit" className="button button-main">
          Use it
        </button>
      </form>
      {isRefused ? (
        <p className="down" role="alert">
          The server does not take this key.
        </p>
      ) : (
        <p className="muted">Kept in this tab only.</p>
      )}
    </Notice>
  );
}
