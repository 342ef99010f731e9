// Pictures of creators and videos. Those that lie on this server are shown; for all others one is made from the name, because the pages make no
// request to anybody else: the Content-Security-Policy forbids it, and nobody learns who looks at whom.
import { useState } from "react";
import { duration } from "../format.ts";
import { hueOf, initialOf } from "../identity.ts";
import { PlayIcon } from "./icons.tsx";

function ownPicture(url: string | null | undefined): string | null {
  if (!url) return null;
  try {
    return new URL(url, location.href).origin === location.origin ? url : null;
  } catch {
    return null;
  }
}

/** `seed` decides the colour: an id, so that a new name keeps it. */
export function Avatar({ seed, name, url, large = false }: { seed: string; name: string; url: string | null; large?: boolean }) {
  const [failed, setFailed] = useState(false);
  const source = failed ? null : ownPicture(url);
  return (
    <span className={`avatar hue-${hueOf(seed)} ${large ? "avatar-large" : ""}`} aria-hidden="true">
      {source ? <img src={source} alt="" loading="lazy" decoding="async" onError={() => setFailed(true)} /> : initialOf(name)}
    </span>
  );
}

export function Thumb({ seed, url, seconds, large = false }: { seed: string; url: string | null; seconds?: number | null; large?: boolean }) {
  const [failed, setFailed] = useState(false);
  const source = failed ? null : ownPicture(url);
  return (
    <span className={`thumb hue-${hueOf(seed)} ${large ? "thumb-large" : ""}`} aria-hidden="true">
      {source ? <img src={source} alt="" loading="lazy" decoding="async" onError={() => setFailed(true)} /> : <PlayIcon />}
      {seconds ? <span className="thumb-time">{duration(seconds)}</span> : null}
    </span>
  );
}
