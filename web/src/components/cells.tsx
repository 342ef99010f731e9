// The main cell of a row: picture, name as the row's link, and a quiet line below.
import { Link } from "react-router";
import { creatorPath, videoPath } from "../url_state.ts";
import { Avatar, Thumb } from "./pictures.tsx";

interface CreatorRow {
  platform: string;
  platformProfileId: string;
  title: string | null;
  handle: string | null;
  category: string | null;
  thumbnailUrl: string | null;
}

/** A name to show: title, else handle, else the id. */
export const nameOf = (row: { title: string | null; handle: string | null; platformProfileId: string }) => row.title || row.handle || row.platformProfileId;

export function Quiet({ parts }: { parts: readonly (string | null | undefined)[] }) {
  return <span className="quiet ellipsis">{parts.filter(Boolean).join(" · ")}</span>;
}

export function CreatorCell({ row }: { row: CreatorRow }) {
  const name = nameOf(row);
  return (
    <span className="cell-main">
      <Avatar seed={row.platformProfileId} name={name} url={row.thumbnailUrl} />
      <span className="cell-text">
        <Link className="cell-link ellipsis" to={creatorPath(row)} dir="auto" title={name}>
          {name}
        </Link>
        <Quiet parts={[row.handle !== name ? row.handle : null, row.category]} />
      </span>
    </span>
  );
}

interface VideoRow {
  platform: string;
  shortcode: string;
  title: string | null;
  thumbnailUrl: string | null;
}

export function VideoCell({ row, line, more, seconds = null }: { row: VideoRow; line: string | null; more?: string | null; seconds?: number | null }) {
  const name = row.title || row.shortcode;
  return (
    <span className="cell-main">
      <Thumb seed={row.shortcode} url={row.thumbnailUrl} seconds={seconds} />
      <span className="cell-text">
        <Link className="cell-link cell-link-long ellipsis" to={videoPath(row)} dir="auto" title={name}>
          {name}
        </Link>
        <Quiet parts={[line, more]} />
      </span>
    </span>
  );
}
