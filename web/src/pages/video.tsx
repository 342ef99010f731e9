// One video: its figures and their course.
import { Link, useParams } from "react-router";
import { postRequest, postSeriesRequest } from "../api/requests.ts";
import type { Post } from "../api/types.ts";
import { useApi } from "../api/use_api.ts";
import { Num, Percent } from "../components/figures.tsx";
import { Description, Facts, Tile } from "../components/header_parts.tsx";
import { Avatar, Thumb } from "../components/pictures.tsx";
import { SeriesPanel } from "../components/series_panel.tsx";
import { NotFound, StaleNote, Trouble } from "../components/states.tsx";
import { day, moment } from "../format.ts";
import { creatorPath } from "../url_state.ts";
import { useTitle } from "../use_title.ts";

const METRICS = [
  { key: "views", name: "Views" },
  { key: "likes", name: "Likes" },
  { key: "comments", name: "Comments" },
] as const;
const REFRESH_MS = 15_000;
const SHOWN_TAGS = 12;

export function Video() {
  const { platform = "", shortcode = "" } = useParams();
  const answer = useApi(postRequest(platform, shortcode), { refreshMs: REFRESH_MS });
  const series = useApi(answer.error?.status === 404 ? null : postSeriesRequest(platform, shortcode), { refreshMs: REFRESH_MS });
  const post = answer.reply?.data;
  useTitle(post ? (post.title ?? shortcode) : answer.error?.status === 404 ? "No such video" : undefined);
  if (answer.error?.status === 404) return <NotFound what="video" />;
  if (answer.error && !post)
    return (
      <div className="page">
        <Trouble answer={answer} />
      </div>
    );
  return (
    <div className="page" key={shortcode}>
      {post ? <StaleNote answer={answer} /> : null}
      <Header post={post} shortcode={shortcode} />
      <Tiles post={post} />
      <SeriesPanel title="Growth" answer={series} metrics={METRICS} />
      <About post={post} />
    </div>
  );
}

function Header({ post, shortcode }: { post: Post | undefined; shortcode: string }) {
  if (!post)
    return (
      <header className="who" aria-busy="true">
        <span className="thumb thumb-large skeleton" />
        <div className="who-text">
          <h1 tabIndex={-1} className="title-long">
            <span className="skeleton skeleton-title" />
            <span className="visually-hidden">Loading</span>
          </h1>
          <p className="facts">
            <span className="skeleton skeleton-main" />
          </p>
        </div>
      </header>
    );
  const channel = post.channelTitle ?? post.channelHandle ?? post.platformProfileId;
  return (
    <header className="who">
      <Thumb seed={shortcode} url={post.thumbnailUrl} seconds={post.durationSeconds} large />
      <div className="who-text">
        <h1 tabIndex={-1} dir="auto" className="title-long">
          {post.title ?? shortcode}
        </h1>
        <p className="by">
          <Link to={creatorPath(post)} className="by-link">
            <Avatar seed={post.platformProfileId} name={channel} url={null} />
            <span className="ellipsis" dir="auto">
              {channel}
            </span>
          </Link>
        </p>
        <Facts parts={[post.category, post.publishedAt ? `published ${day(post.publishedAt)}` : null, post.observedAt ? `last seen ${moment(post.observedAt)}` : null]} />
      </div>
    </header>
  );
}

function About({ post }: { post: Post | undefined }) {
  const tags = post?.tags ?? [];
  if (!post?.description?.trim() && tags.length === 0) return null;
  return (
    <section className="panel about" aria-labelledby="about-title">
      <h2 id="about-title">About</h2>
      <Description text={post?.description ?? null} />
      {tags.length ? (
        <ul className="tags" aria-label="Tags">
          {tags.slice(0, SHOWN_TAGS).map((tag, i) => (
            <li key={i} className="tag" dir="auto">
              {tag}
            </li>
          ))}
          {tags.length > SHOWN_TAGS ? <li className="muted">and {tags.length - SHOWN_TAGS} more</li> : null}
        </ul>
      ) : null}
    </section>
  );
}

function Tiles({ post }: { post: Post | undefined }) {
  const growth = (metric: "views" | "likes" | "comments") => {
    const known = post?.growth;
    const title = known ? `${day(known.firstDate)} to ${day(known.lastDate)}` : "Observed on one day only";
    return [{ span: "all", label: "since first seen", change: known?.[metric] ?? null, now: post?.[metric] ?? null, title }];
  };
  return (
    <div className="tiles">
      <Tile name="Views" value={post && <Num value={post.views} />} growth={growth("views")} />
      <Tile name="Likes" value={post && <Num value={post.likes} />} growth={growth("likes")} />
      <Tile name="Comments" value={post && <Num value={post.comments} />} growth={growth("comments")} />
      <Tile name="Engagement" value={post && <Percent value={post.engagementRate} />} note="likes and comments per view" />
    </div>
  );
}
