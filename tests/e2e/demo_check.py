#!/usr/bin/env python3
"""Checks a finished demo: recomputes from the dataset what the REST API must answer, and compares.

Shares no code with the pipeline: Python's own csv module reads the dataset, and the rules are written out here once more.
  - A snapshot is one video on one day; of doubled rows of a video and day the last one counts. A row that can't be read is left out.
  - On every day of the dataset the demo crawls the day's trending chart (one post log a video), every channel seen so far (one profile log each),
    and, for a channel seen for the first time, all of its videos that there are by then (one post log each). After the last day every video that was
    seen is refreshed once more.
  - The chart of a day is all of that day's snapshots; in a file with a column `charted` (what `dalgona sandbox export` writes), those where it is 1.
  - A channel's views are the sum over its videos of each video's last snapshot on or before the day; followers the same of likes; uploads the number
    of those videos; a video belongs to the channel that its last row on or before the day names. A file with the columns channel_id, channel_followers, channel_views and channel_uploads says it itself.
One line a comparison; exit code 0 when all agree, 3 when any differs, 2 when it could not compare.
"""
import argparse
import base64
import collections
import csv
import datetime
import hashlib
import json
import random
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

csv.field_size_limit(1 << 30)


def channel_id(title):
    digest = hashlib.sha256(("channel:" + title).encode()).digest()
    return "UC" + base64.urlsafe_b64encode(digest).decode()[:22]


Row = collections.namedtuple("Row", "date video channel views likes comments charted statistics")


def read_date(text, year, year_first):
    if "-" in text:
        y, m, d = (int(part) for part in text.split("-"))
    else:
        parts = [int(part) for part in text.split(".")]
        if year_first:
            y, d, m = parts
        else:
            d, m = parts[:2]
            y = parts[2] if len(parts) > 2 else year
        y += 2000 if y < 100 else 0
    return datetime.date(y, m, d).isoformat()


def read_dataset(path, year):
    """Rows in file order; damaged ones are left out as docs/sandbox.md says. Gives the rows and how many were damaged."""
    rows, damaged = [], 0
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file)
        at = {name.strip(): i for i, name in enumerate(next(reader))}
        date_column = "trending_date" if "trending_date" in at else "date"
        comments_column = "comment_total" if "comment_total" in at else "comment_count"
        for cells in reader:
            if not cells:
                continue
            try:
                if len(cells) != len(at):
                    raise ValueError
                cell = lambda name: cells[at[name]]
                video = cell("video_id")
                if not 1 <= len(video) <= 64 or any(c == "," or not "!" <= c <= "~" for c in video):
                    raise ValueError
                counts = [cell(name).strip() for name in ("views", "likes", comments_column)]
                if not all(count.isascii() and count.isdigit() for count in counts):
                    raise ValueError
                date = read_date(cell(date_column).strip(), year, date_column == "trending_date")
                if "channel_id" in at:
                    channel = cell("channel_id")
                    statistics = tuple(int(cell("channel_" + name)) for name in ("followers", "views", "uploads"))
                else:
                    channel = channel_id(cell("channel_title") if "channel_title" in at else "category " + cell("category_id"))
                    statistics = None
                charted = "charted" not in at or cell("charted") == "1"
                rows.append(Row(date, video, channel, *(int(count) for count in counts), charted, statistics))
            except ValueError:
                damaged += 1
    return rows, damaged


class Expected:
    """What the API must show, from the dataset alone."""

    def __init__(self, rows):
        self.snapshots = collections.defaultdict(dict)  # video -> date -> (views, likes, comments)
        self.channels_of = collections.defaultdict(dict)  # video -> date -> channel
        self.statistics = collections.defaultdict(dict)  # channel -> date -> (followers, views, uploads), where the file says so
        charts = collections.defaultdict(set)  # date -> videos
        for row in rows:
            self.snapshots[row.video][row.date] = (row.views, row.likes, row.comments)
            self.channels_of[row.video][row.date] = row.channel
            if row.charted:
                charts[row.date].add(row.video)
            if row.statistics:
                self.statistics[row.channel][row.date] = row.statistics
        self.days = sorted(charts)
        self.videos_of = collections.defaultdict(set)  # that ever were the channel's
        for video, channels in self.channels_of.items():
            for channel in channels.values():
                self.videos_of[channel].add(video)
        # The crawl, day by day: which video was looked at on which days.
        self.crawled = collections.defaultdict(set)
        self.channel_first = {}
        self.profile_logs = self.post_logs = 0
        for day in self.days:
            for video in charts[day]:
                self.crawled[video].add(day)
            self.post_logs += len(charts[day])
            for channel in {self.channel_on(video, day) for video in charts[day]} - self.channel_first.keys():
                self.channel_first[channel] = day
                known = self.videos_on(channel, day)
                for video in known:
                    self.crawled[video].add(day)
                self.post_logs += len(known)
            self.profile_logs += len(self.channel_first)
        for video in self.crawled:
            self.crawled[video].add(self.days[-1])
        self.post_logs += len(self.crawled)

    def channel_on(self, video, day):
        dates = [date for date in self.channels_of[video] if date <= day]
        return self.channels_of[video][max(dates)] if dates else None

    def videos_on(self, channel, day):
        return [video for video in self.videos_of[channel] if self.channel_on(video, day) == channel]

    def as_of(self, video, day):
        return self.snapshots[video][max(date for date in self.snapshots[video] if date <= day)]

    def post_series(self, video):
        return {day: list(self.as_of(video, day)) for day in self.crawled[video]}

    def profile_series(self, channel):
        series = {}
        for day in self.days:
            if day < self.channel_first[channel]:
                continue
            if self.statistics:
                dates = self.statistics[channel]
                series[day] = list(dates[max(date for date in dates if date <= day)])
                continue
            known = [self.as_of(video, day) for video in self.videos_on(channel, day)]
            series[day] = [sum(v[1] for v in known), sum(v[0] for v in known), len(known)]
        return series

    def growth(self):
        table = []
        for video, days in self.crawled.items():
            table.append((self.as_of(video, max(days))[0] - self.as_of(video, min(days))[0], video))
        table.sort(key=lambda row: (-row[0], row[1]))
        return table


class Api:
    def __init__(self, base):
        self.base = base.rstrip("/")

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        for attempt in range(20):
            request = urllib.request.Request(self.base + path, data=data, method=method, headers={"Content-Type": "application/json"})
            try:
                # No proxy: the API is on loopback.
                with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as reply:
                    return json.load(reply)
            except urllib.error.HTTPError as error:
                if error.code != 503 or attempt == 19:
                    raise RuntimeError(f"{method} {path}: {error.code} {error.read()[:300]!r}") from None
            except (urllib.error.URLError, ConnectionError) as error:
                if attempt == 19:
                    raise RuntimeError(f"{method} {path}: {error}") from None
            time.sleep(0.25)
        raise AssertionError


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--api", required=True, help="base URL of the REST API")
    parser.add_argument("--year", type=int, default=2017)
    parser.add_argument("--seed", type=int, default=1, help="chooses the random series")
    args = parser.parse_args()
    rows, damaged = read_dataset(args.dataset, args.year)
    want = Expected(rows)
    print(f"      {len(rows)} rows and {damaged} damaged ones: {len(want.crawled)} videos of {len(want.channel_first)} channels over {len(want.days)} days")
    api = Api(args.api)
    bad = 0

    def compare(what, expected, got):
        nonlocal bad
        same = expected == got
        bad += not same
        show = lambda v: (lambda s: s if len(s) <= 100 else s[:97] + "...")(json.dumps(v, sort_keys=True, default=str))
        if same:
            print(f"ok    {what}: {show(expected)}", flush=True)
        else:
            print(f"WRONG {what}:\n      expected {show(expected)}\n      got      {show(got)}", flush=True)
            if isinstance(expected, dict) and isinstance(got, dict):
                for key in sorted(set(expected) | set(got)):
                    if expected.get(key) != got.get(key):
                        print(f"      {key}: expected {expected.get(key)} got {got.get(key)}", flush=True)
                        break

    status = api.call("GET", "/api/status")["data"]
    compare("number of profile logs", want.profile_logs, status["profileLogs"])
    compare("number of post logs", want.post_logs, status["postLogs"])

    chooser = random.Random(args.seed)
    span = {"startDate": want.days[0], "endDate": want.days[-1]}
    for channel in chooser.sample(sorted(want.channel_first), min(10, len(want.channel_first))):
        path = f"/discovery-service/api/profile/YOUTUBE/{urllib.parse.quote(channel, safe='')}/timeseries"
        points = api.call("POST", path, span)["data"]
        got = {p["date"]: [p["followers"], p["views"], p["uploads"]] for p in points if not p.get("gap")}
        expected = want.profile_series(channel)
        compare(f"series of channel {channel} over {len(expected)} days", expected, got)
    for video in chooser.sample(sorted(want.crawled), min(10, len(want.crawled))):
        path = f"/discovery-service/api/post/YOUTUBE/{urllib.parse.quote(video, safe='')}/timeseries"
        points = api.call("POST", path, span)["data"]
        got = {p["date"]: [p["views"], p["likes"], p["comments"]] for p in points if not p.get("gap")}
        expected = want.post_series(video)
        compare(f"series of video {video} over {len(expected)} days", expected, got)

    top = api.call("POST", "/leaderboard-service/api/leaderboard/platform/YOUTUBE/posts", {"sortBy": "views_growth", "page": 1, "size": 20})["data"]
    expected = [[video, growth] for growth, video in want.growth()[:20]]
    for rank, pair in enumerate(expected, 1):
        got = [top[rank - 1]["shortcode"], top[rank - 1]["viewsGrowth"]] if rank <= len(top) else None
        compare(f"growth of views, rank {rank}", pair, got)

    if bad:
        print(f"{bad} comparisons differ", flush=True)
        return 3
    print("all comparisons agree", flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError, KeyError, TypeError) as error:
        print(f"demo check could not compare: {error!r}", file=sys.stderr)
        sys.exit(2)
