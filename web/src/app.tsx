// The frame of every page, and which page an address is.
import { useEffect, useRef } from "react";
import { Link, Route, Routes, useLocation, useNavigationType } from "react-router";
import { Mark, MoonIcon, SunIcon } from "./components/icons.tsx";
import { SearchBox } from "./components/search_box.tsx";
import { NotFound } from "./components/states.tsx";
import { Creator } from "./pages/creator.tsx";
import { Home } from "./pages/home.tsx";
import { Search } from "./pages/search.tsx";
import { Video } from "./pages/video.tsx";
import { setTheme, useTheme } from "./theme.ts";
import { useTitle } from "./use_title.ts";

function ThemeSwitch() {
  const theme = useTheme();
  const other = theme === "dark" ? "light" : "dark";
  return (
    <button type="button" className="icon-button" onClick={() => setTheme(other)} aria-label={`Switch to ${other} colours`} title={`Switch to ${other} colours`}>
      {theme === "dark" ? <SunIcon /> : <MoonIcon />}
    </button>
  );
}

/** A new page begins at its top and, for screen readers, at its heading; going back keeps the place, which the browser remembers. */
function useArrival(): void {
  const { pathname, search } = useLocation();
  const kind = useNavigationType();
  const page = new URLSearchParams(search).get("page");
  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    if (kind === "POP") return;
    window.scrollTo(0, 0);
    document.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  }, [pathname, page, kind]);
}

function Missing() {
  useTitle("No such page");
  return <NotFound />;
}

export function App() {
  useArrival();
  return (
    <>
      <a className="skip" href="#content">
        Skip to content
      </a>
      <header className="top">
        <div className="top-inner">
          <Link className="brand" to="/" aria-label="dalgona, to the leaderboard">
            <Mark />
            <span>dalgona</span>
          </Link>
          <SearchBox />
          <ThemeSwitch />
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        <Routes>
          <Route path="/" element={<Home tab="creators" />} />
          <Route path="/videos" element={<Home tab="videos" />} />
          <Route path="/creator/:platform/:id" element={<Creator />} />
          <Route path="/video/:platform/:shortcode" element={<Video />} />
          <Route path="/search" element={<Search />} />
          <Route path="*" element={<Missing />} />
        </Routes>
      </main>
      <footer className="foot muted">
        <span>dalgona: beaten, stirred, poured.</span>
        <span>Days and months are UTC.</span>
      </footer>
    </>
  );
}
