import { useEffect } from "react";

/** The page's title in the tab, and for screen readers after a change of page. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} · dalgona` : "dalgona";
  }, [title]);
}
