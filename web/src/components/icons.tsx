// Icons drawn here: few, all on a 16 by 16 grid, in the text's colour. They never carry meaning alone, so they are hidden from screen readers.
import type { ReactNode } from "react";

function Icon({ children, className = "" }: { children: ReactNode; className?: string }) {
  return (
    <svg className={`icon ${className}`} viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const SearchIcon = () => (
  <Icon>
    <circle cx="7" cy="7" r="4.5" />
    <path d="m10.5 10.5 3.5 3.5" />
  </Icon>
);
export const UpIcon = () => (
  <Icon className="icon-small">
    <path d="M8 4.5 12.5 11h-9z" fill="currentColor" />
  </Icon>
);
export const DownIcon = () => (
  <Icon className="icon-small">
    <path d="M8 11.5 12.5 5h-9z" fill="currentColor" />
  </Icon>
);
export const LeftIcon = () => (
  <Icon>
    <path d="M10 3.5 5.5 8l4.5 4.5" />
  </Icon>
);
export const RightIcon = () => (
  <Icon>
    <path d="M6 3.5 10.5 8 6 12.5" />
  </Icon>
);
export const SunIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="3" />
    <path d="M8 1.200v1.600M8 13.200v1.600M1.2 8h1.600M13.2 8h1.600M3.2 3.200l1.1 1.100M11.7 11.700l1.1 1.100M3.2 12.800l1.1-1.100M11.7 4.300l1.1-1.1" />
  </Icon>
);
export const MoonIcon = () => (
  <Icon>
    <path d="M13.5 9.700A6 6 0 0 1 6.3 2.500a6 6 0 1 0 7.2 7.200z" />
  </Icon>
);
export const ChartIcon = () => (
  <Icon>
    <path d="M2 13.500h12M3 10.500l3.5-4 2.5 2.500L13.5 3.5" />
  </Icon>
);
export const TableIcon = () => (
  <Icon>
    <path d="M2.5 3h11v10h-11zM2.5 6.500h11M2.5 9.800h11M7 6.500V13" />
  </Icon>
);
export const CloseIcon = () => (
  <Icon>
    <path d="m4 4 8 8M12 4l-8 8" />
  </Icon>
);
export const PlayIcon = () => (
  <Icon>
    <path d="M5.5 3.800v8.400L12 8z" fill="currentColor" />
  </Icon>
);

/** The house's mark: a cup of dalgona, whipped coffee on milk. */
export const Mark = () => (
  <svg className="mark" viewBox="0 0 32 32" width="30" height="30" aria-hidden="true" focusable="false">
    <path className="mark-glass" d="M6.5 14h19l-2 12.200A3.3 3.3 0 0 1 20.2 29h-8.400a3.3 3.3 0 0 1-3.3-2.800z" />
    <path className="mark-milk" d="M7.4 19.500h17.200l-1.1 6.700A3.3 3.3 0 0 1 20.2 29h-8.400a3.3 3.3 0 0 1-3.3-2.800z" />
    <path className="mark-foam" d="M4.6 14.200c-.7-2.7 1.2-4.9 3.8-5 .4-2.6 3-3.8 5-2.700C14.3 3.7 18 2.4 20 4.900c1.2 1.5.8 2.7.4 3.5 3.8-.8 7.9 1.9 7 5.8-.5 2-2.6 2.9-4.3 2-1.5 1.6-4 1.5-5.2 0-1.5 1.4-3.9 1.4-5.2-.1-1.5 1.3-3.6 1.2-4.8-.2-1.5.7-2.9 0-3.3-1.700z" />
    <path className="mark-shine" d="M10.5 11.300c2.3-1.9 5-2.5 8.3-1.6" />
  </svg>
);
