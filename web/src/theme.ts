// Dark or light: the user's choice, else the system's. public/theme.js does the same before the first paint.
import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark";

const KEY = "dalgona.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function chosen(): Theme | null {
  try {
    const value = localStorage.getItem(KEY);
    return value === "dark" || value === "light" ? value : null;
  } catch {
    return null;
  }
}

let choice = chosen();

export function currentTheme(): Theme {
  return choice ?? (system.matches ? "dark" : "light");
}

function apply(): void {
  const theme = currentTheme();
  document.documentElement.dataset["theme"] = theme;
  document.querySelector('meta[name="theme-color"]')?.setAttribute("content", theme === "dark" ? "#15100c" : "#faf6f0");
  for (const listener of listeners) listener();
}

system.addEventListener("change", apply);
window.addEventListener("storage", (event) => {
  if (event.key !== KEY) return;
  choice = chosen();
  apply();
});

/** Choosing what the system says anyway goes back to following it. */
export function setTheme(theme: Theme): void {
  choice = theme === (system.matches ? "dark" : "light") ? null : theme;
  try {
    if (choice) localStorage.setItem(KEY, choice);
    else localStorage.removeItem(KEY);
  } catch {
    // Kept for this visit only.
  }
  apply();
}

export function useTheme(): Theme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, currentTheme);
}
