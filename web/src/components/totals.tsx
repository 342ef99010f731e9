// One line of what has been collected so far; it counts along while logs come in.
import { statusRequest } from "../api/requests.ts";
import { useApi } from "../api/use_api.ts";
import { ago, day, exact, moment } from "../format.ts";

const REFRESH_MS = 10_000;

export function Totals() {
  const status = useApi(statusRequest, { refreshMs: REFRESH_MS }).reply?.data;
  if (!status) return <p className="totals totals-status muted">{"\u00a0"}</p>;
  const logs = status.profileLogs + status.postLogs;
  return (
    <p className="totals totals-status muted">
      <span title={`${exact(status.profileLogs)} of creators, ${exact(status.postLogs)} of videos`}>
        <b className="num">{exact(logs)}</b> logs
      </span>
      <span>
        <b className="num">{exact(status.profiles)}</b> creators
      </span>
      <span>
        <b className="num">{exact(status.posts)}</b> videos
      </span>
      {status.firstDate && status.lastDate ? (
        <span>
          {day(status.firstDate)} – {day(status.lastDate)}
        </span>
      ) : null}
      {status.publication ? <span title={`Ranks of ${moment(status.publication.finishedAt)}`}>ranked {ago(status.publication.finishedAt, Date.now())}</span> : null}
    </p>
  );
}
