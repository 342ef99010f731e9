// The search field with suggestions: a combobox after the ARIA pattern. Enter without a choice goes to the page of results.
import { useEffect, useId, useRef, useState, type FormEvent, type KeyboardEvent } from "react";
import { useLocation, useNavigate } from "react-router";
import { searchRequest } from "../api/requests.ts";
import { useApi } from "../api/use_api.ts";
import { counted } from "../format.ts";
import { creatorPath } from "../url_state.ts";
import { Num } from "./figures.tsx";
import { SearchIcon } from "./icons.tsx";
import { Avatar } from "./pictures.tsx";

const SUGGESTIONS = 6;
const PAUSE_MS = 150;

/** `value`, once it has stood still for PAUSE_MS. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

export function SearchBox() {
  const navigate = useNavigate();
  const location = useLocation();
  const [text, setText] = useState("");
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const settled = useSettled(text.trim());
  const answer = useApi(isOpen && settled ? searchRequest({ name: settled }, { page: 1 }, SUGGESTIONS) : null, { keepPrevious: true });
  const rows = text.trim() && !answer.error ? (answer.reply?.data ?? []) : [];
  const total = answer.reply?.totalCount ?? 0;
  const isShown = isOpen && !!text.trim() && !!answer.reply;

  // The field follows the page: its text on the page of results, empty elsewhere.
  useEffect(() => {
    setText(location.pathname === "/search" ? (new URLSearchParams(location.search).get("q") ?? "") : "");
    setOpen(false);
  }, [location.pathname, location.search]);
  useEffect(() => setActive(-1), [settled]);
  useEffect(() => {
    const focus = (event: globalThis.KeyboardEvent) => {
      const target = event.target as Element | null;
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || target?.closest("input, select, textarea")) return;
      event.preventDefault();
      input.current?.focus();
    };
    window.addEventListener("keydown", focus);
    return () => window.removeEventListener("keydown", focus);
  }, []);

  const go = (to: string) => {
    setOpen(false);
    input.current?.blur();
    void navigate(to);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const row = isShown ? rows[active] : undefined;
    if (row) go(creatorPath(row));
    else if (text.trim()) go(`/search?${new URLSearchParams({ q: text.trim() }).toString()}`);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      if (isShown) setOpen(false);
      else setText("");
      event.preventDefault();
    }
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && text.trim()) {
      event.preventDefault();
      setOpen(true);
      // One place more than there are rows: the field itself.
      const places = rows.length + 1;
      setActive((now) => ((now + 1 + (event.key === "ArrowDown" ? 1 : places - 1)) % places) - 1);
    }
  };

  return (
    <form className="search" role="search" onSubmit={submit}>
      <SearchIcon />
      <input
        ref={input}
        type="search"
        role="combobox"
        aria-label="Search creators"
        aria-expanded={isShown}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={isShown && active >= 0 ? `${id}-${active}` : undefined}
        placeholder="Search creators"
        autoComplete="off"
        autoCorrect="off"
        spellCheck={false}
        maxLength={100}
        enterKeyHint="search"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      />
      <kbd className="search-key" aria-hidden="true">
        /
      </kbd>
      <div className="suggestions" hidden={!isShown}>
        <div id={`${id}-list`} role="listbox" aria-label="Suggestions">
          {rows.map((row, i) => (
            <div
              key={row.platformProfileId}
              id={`${id}-${i}`}
              role="option"
              aria-selected={i === active}
              className="suggestion"
              onPointerEnter={() => setActive(i)}
              // The field keeps the focus, so that its blur does not close the list before the click.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => go(creatorPath(row))}
            >
              <Avatar seed={row.platformProfileId} name={row.title ?? row.handle ?? ""} url={row.thumbnailUrl} />
              <span className="suggestion-name">
                <span className="ellipsis" dir="auto">
                  {row.title ?? row.handle ?? row.platformProfileId}
                </span>
                <span className="ellipsis muted">{row.category ?? row.handle}</span>
              </span>
              <span className="muted">
                <Num value={row.followers} />
              </span>
            </div>
          ))}
        </div>
        {isShown && rows.length === 0 && !answer.isPrevious ? <p className="suggestions-none">No creator has this in their name.</p> : null}
        {isShown && total > rows.length ? (
          <button type="button" tabIndex={-1} className="suggestions-all" onMouseDown={(event) => event.preventDefault()} onClick={() => go(`/search?${new URLSearchParams({ q: text.trim() }).toString()}`)}>
            All {counted(total, "match", "matches")}
          </button>
        ) : null}
      </div>
      <p className="visually-hidden" role="status">
        {isShown && !answer.isPrevious ? (rows.length ? `${counted(rows.length, "suggestion")}` : "No suggestions") : ""}
      </p>
    </form>
  );
}
